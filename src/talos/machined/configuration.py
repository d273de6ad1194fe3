"""The running machine configuration and the one on disk.

Two resources hold it: `v1alpha1` is in force, `persistent` is what the next boot finds in STATE. A client changes both,
or only the second (staged), or only the first for a while (try).
"""

from __future__ import annotations

import asyncio
import difflib
import os
from pathlib import Path
from typing import Any

import msgspec
import yaml

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import state
from talos.machinery.config import container
from talos.machinery.resources.config.machine_config import ACTIVE_ID, PERSISTENT_ID, MachineConfig

FILE = paths.STATE / paths.CONFIG_FILENAME
PERSIST_TIMEOUT_S = 10.0

REBOOT_SECTIONS = frozenset({"type", "install", "disks", "files", "systemDiskEncryption", "pods"})
"""Keys below `machine` that take effect at boot only; everything else is followed by controllers."""


def read(path: Path = FILE) -> bytes | None:
    """Return the configuration on disk, None when there is none. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write(source: bytes, path: Path = FILE) -> None:
    """Replace the configuration on disk atomically and durably. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(source)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    scratch.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _plain(config: container.Container | None) -> dict[str, Any]:
    section = config.v1alpha1.machine if config is not None and config.v1alpha1 is not None else None
    plain: Any = msgspec.to_builtins(section) if section is not None else {}
    return dict(plain)


def needs_reboot(old: container.Container, new: container.Container) -> list[str]:
    """Return the paths of settings that differ and take effect at boot only."""
    before, after = _plain(old), _plain(new)
    return sorted(f"machine.{key}" for key in REBOOT_SECTIONS if before.get(key) != after.get(key))


def diff(old: bytes, new: bytes) -> str:
    """Return a unified diff of two configurations, empty when they are the same."""
    lines = difflib.unified_diff(
        old.decode(errors="replace").splitlines(keepends=True),
        new.decode(errors="replace").splitlines(keepends=True),
        "current",
        "new",
    )
    return "".join(lines)


def is_yaml(source: bytes) -> bool:
    """Tell whether the bytes parse as YAML at all; the loader says what is wrong."""
    try:
        for _ in yaml.parse(source, Loader=yaml.CSafeLoader):
            pass
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
    return True


class Configuration:
    """Changes the configuration resources; everybody else only reads them."""

    def __init__(self, store: state.State) -> None:
        self._store = store
        self._trial: asyncio.Task[None] | None = None

    async def active(self) -> bytes | None:
        """Return the configuration in force."""
        found = await state.find(self._store, MachineConfig, ACTIVE_ID)
        return None if found is None else found.spec.source

    async def activate(self, source: bytes) -> None:
        """Put a configuration in force. It has been checked before."""
        self.end_trial()
        await state.put(self._store, MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source)))

    async def persist(self, source: bytes) -> None:
        """Let the next boot find this configuration; returns when it is on disk. Raises TimedOut."""
        await state.put(self._store, MachineConfig(PERSISTENT_ID, MachineConfig.Spec(source=source)))
        try:
            async with asyncio.timeout(PERSIST_TIMEOUT_S):
                while read() != source:  # noqa: ASYNC110  (the file is another component's)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise errors.TimedOut(
                f"the configuration was not written to {FILE} within {PERSIST_TIMEOUT_S:g} s"
            ) from None

    async def try_out(self, source: bytes, seconds: float) -> None:
        """Put a configuration in force and return to the persistent one after `seconds`."""
        await self.activate(source)
        self._trial = asyncio.create_task(self._roll_back(seconds), name="configuration/trial")

    def end_trial(self) -> None:
        """Keep what is in force: another change has been made."""
        if self._trial is not None and self._trial is not asyncio.current_task():
            self._trial.cancel()
        self._trial = None

    async def _roll_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        found = await state.find(self._store, MachineConfig, PERSISTENT_ID)
        if found is not None:
            await self.activate(found.spec.source)
