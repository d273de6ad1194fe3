"""The end of a reset: the node leaves discovery, and what the request names is emptied."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from pathlib import Path

from talos.base import errors
from talos.base.constants import partitions, paths
from talos.cosi import state
from talos.linux import block
from talos.linux import wipe as emptying
from talos.machined import config_file
from talos.machined.sequencer.context import Context
from talos.machinery.resources.runtime.machine_reset_signal import MACHINE_RESET_SIGNAL_ID, MachineResetSignal

TIMEOUT_S = 600.0
WITHDRAW_S = 2.0
_FOLDERS = {partitions.EPHEMERAL: paths.EPHEMERAL, partitions.STATE: paths.STATE}
_log = logging.getLogger("sequencer.wiping")


async def withdraw(context: Context) -> None:
    """Tell the controllers that the machine resets itself: the others are to forget it now, not in half an hour."""
    await state.put(context.store, MachineResetSignal(MACHINE_RESET_SIGNAL_ID))
    # The registries answer no question; one that is away must not hold the reset.
    await asyncio.sleep(WITHDRAW_S)


async def wipe(context: Context) -> None:
    """Empty the devices, in a container the directories, that the request names."""
    for label in context.reset.partitions:
        _log.info("volume %s is emptied", label)
        if label == partitions.STATE:
            config_file.ConfigFile().note_path.unlink(missing_ok=True)
        await asyncio.to_thread(empty, _FOLDERS[label])
    failed = []
    for path in context.reset.devices:
        _log.info("%s is wiped", path)
        try:
            device = await asyncio.to_thread(block.find, Path(path).name)
            await asyncio.to_thread(emptying.signatures, path, device.sector_bytes if device else 512)
        except (OSError, errors.TalosError) as error:
            failed.append(f"{path}: {error}")
    if failed:
        raise errors.Conflict("; ".join(failed))


def empty(top: Path) -> None:
    """Remove what is in a directory, but nothing of another file system: neither a mount point nor what is below it."""
    device = top.stat().st_dev
    for entry in sorted(top.iterdir()):
        with contextlib.suppress(FileNotFoundError):
            found = entry.lstat()
            if stat.S_ISDIR(found.st_mode):
                if found.st_dev == device and not os.path.ismount(entry):
                    empty(entry)
                    with contextlib.suppress(OSError):
                        entry.rmdir()
            elif found.st_dev == device:
                entry.unlink()
