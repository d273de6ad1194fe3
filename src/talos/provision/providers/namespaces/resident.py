"""Processes of a cluster that stay when the command ends: started detached, found again, ended.

A resident process is in a cgroup of its own before it runs its first instruction, so however early a command dies,
the process is found by the cgroup's name.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from talos.base import errors
from talos.linux import cgroup, pidfd, process, procfs
from talos.provision.providers.namespaces import launch, subtree

_REPORT_LIMIT_S = 90.0
_SOURCES = Path(__file__).resolve().parents[4]
_REPORT_FD = 3


def handle(record: launch.Record | None) -> pidfd.Handle | None:
    """The recorded process if it still runs; the caller closes it."""
    if record is None or record.pid == 0 or record.boot_id != procfs.boot_id():
        return None
    return pidfd.Handle.find(record.pid, record.started_ticks)


def alive(record: launch.Record | None) -> bool:
    """Whether the recorded process still runs."""
    found = handle(record)
    if found is None:
        return False
    found.close()
    return True


async def start(name: str, arguments: Sequence[str], *, cgroup_path: str, log: Path) -> int:
    """Start `python -m talos.provision <name> <arguments> 3` and wait for its report on descriptor 3.

    Returns the pid. Raises Permanent with what it reported instead of "ok", TimedOut when it reports nothing.
    """
    tree = cgroup.tree()
    subtree.create(tree, cgroup_path)
    log.touch(mode=0o600)
    environment = {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": os.pathsep.join([str(_SOURCES), *(part for part in sys.path if part.endswith("-packages"))]),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    try:
        child = process.spawn(
            process.Spawn(
                [sys.executable, "-S", "-m", "talos.provision", name, *arguments, str(_REPORT_FD)],
                environment,
                cgroup_files=tree.procs_files(cgroup_path),
                stdio=log,
                inherit_fds={_REPORT_FD: write_end},
            )
        )
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    try:
        report = await _line(read_end)
    except TimeoutError:
        raise errors.TimedOut(f"{name} did not report within {_REPORT_LIMIT_S:g} s, see {log}") from None
    finally:
        os.close(read_end)
        child.handle.close()
    if report != "ok":
        raise errors.Permanent(report or f"{name} ended at once, see {log}")
    return child.pid


async def _line(fd: int) -> str:
    """Everything written to a pipe until all writers are gone."""
    loop, said = asyncio.get_running_loop(), b""
    os.set_blocking(fd, False)
    async with asyncio.timeout(_REPORT_LIMIT_S):
        while True:
            ready = asyncio.Event()
            loop.add_reader(fd, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(fd)
            chunk = os.read(fd, 4096)
            if not chunk:
                return said.decode(errors="replace")
            said += chunk


async def kill(cgroup_path: str, timeout_s: float = 30.0) -> None:
    """Kill everything in a cgroup and below, then remove it. What is not there is fine."""
    tree = cgroup.tree()
    await tree.kill(cgroup_path, timeout_s)
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            tree.delete(cgroup_path)
        except OSError:
            # A process that has ended still counts until the kernel has let go of it.
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.02)
        else:
            break
    _prune(tree, cgroup_path)


def _prune(tree: cgroup.Tree, path: str) -> None:
    """Remove the folder of all clusters' cgroups once it is empty."""
    name = path.strip("/").split("/")[0]
    for directory in tree.directories(name):
        with contextlib.suppress(OSError):
            directory.rmdir()
        if tree.version is cgroup.Version.V2 and not directory.exists():
            subtree.close_top(directory.parent)


async def end(record: launch.Record | None, number: int, timeout_s: float) -> bool:
    """Send a signal and wait for the end; False when it still runs after `timeout_s`."""
    found = handle(record)
    if found is None:
        return True
    try:
        found.signal(number)
        async with asyncio.timeout(timeout_s):
            await found.wait_end()
    except TimeoutError:
        return False
    finally:
        found.close()
    return True
