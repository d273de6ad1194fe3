"""The state file of a cluster: everything needed to show, start, stop, resume and destroy it.

    ~/.talos/clusters/<name>/state.json     this file, replaced as a whole, synced to disk
                            /configs/       secrets, machine configs, talosconfig
                            /nodes/<node>/  disk, STATE, console log, launch and run records

Write-ahead: a step's key is recorded before the step is done. What is not recorded was not begun, what is recorded may
be there or not, and undoing what is not there does nothing. So whatever ends a command, the next one knows the rest.
A cluster is locked by flock(2) on its folder, giving out names and networks by flock on the folder above: both locks
end with their process.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from talos.base import errors
from talos.provision.providers.namespaces import launch
from talos.provision.request import Names, Request, Role, check_name

FORMAT = 1
FILE = "state.json"
NAMESPACES, QEMU = "namespaces", "qemu"
_LOCK_POLL_S = 0.1


class Phase(StrEnum):
    """Where a cluster is in its life; `CREATING` and `DESTROYING` outlive an interrupted command."""

    CREATING = "creating"
    READY = "ready"
    STOPPED = "stopped"
    DESTROYING = "destroying"


@dataclass(frozen=True, slots=True)
class Access:
    """A context added to a person's client configuration.

    `digest` of its content tells ours from a namesake, `previous` is what was current before.
    """

    path: str
    context: str
    digest: str
    previous: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Content of the state file.

    `recorded`: keys of steps that were begun, in that order. `artifacts`: folder of the artifact set the cluster is
    made of. `numbers`: highest number given to a node of each role. `provisioner`: what its nodes are.
    """

    request: Request
    phase: Phase = Phase.CREATING
    recorded: tuple[str, ...] = ()
    artifacts: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    access: Mapping[str, Access] = field(default_factory=dict)
    created: float = 0.0
    provisioner: str = NAMESPACES

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Raises ValueError for another format, KeyError or TypeError for other content."""
        if content.get("format") != FORMAT:
            raise ValueError(f"format {content.get('format')}, this is for format {FORMAT}")
        rest = {key: value for key, value in content.items() if key not in ("format", "sysctls")}
        return cls(
            **{
                **rest,
                "request": Request.from_json(content["request"]),
                "phase": Phase(content["phase"]),
                "recorded": tuple(content["recorded"]),
                "access": {key: Access(**value) for key, value in content["access"].items()},
            }
        )

    def to_json(self) -> dict[str, Any]:
        """For the file."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    def highest(self) -> dict[Role, int]:
        """`numbers` by role."""
        return {Role(role): number for role, number in self.numbers.items()}


class Cluster:
    """One cluster's folder and its state."""

    def __init__(self, store: Store, name: str, state: State) -> None:
        self.store = store
        self.name = name
        self.folder = store.folder / name
        self.names = Names.of(store.folder, name)
        self.state = state
        # Steps that merge the person's files run in threads beside the others.
        self.changing = threading.RLock()

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.state.request

    def node_folder(self, node: str) -> Path:
        """Where a node's files are."""
        return self.folder / "nodes" / node

    def update(self, **changes: Any) -> None:
        """Change the state and write it through to the disk."""
        with self.changing:
            changed = dataclasses.replace(self.state, **changes)
            launch.write_json(self.folder / FILE, changed.to_json())
            self.state = changed

    def update_if_possible(self, **changes: Any) -> None:
        """As `update`; on a full disk the file stays as it was: it tells of more than there is, which does no harm."""
        with self.changing:
            try:
                self.update(**changes)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                self.state = dataclasses.replace(self.state, **changes)

    def record(self, key: str) -> None:
        """Note that the step is begun."""
        with self.changing:
            if key not in self.state.recorded:
                self.update(recorded=(*self.state.recorded, key))

    def forget(self, *keys: str) -> None:
        """Note that the steps are undone."""
        with self.changing:
            self.update_if_possible(recorded=tuple(key for key in self.state.recorded if key not in keys))

    def delete(self) -> None:
        """Remove the folder; the state file goes last, so that an interrupted removal can be repeated."""
        for entry in list(self.folder.iterdir()) if self.folder.is_dir() else []:
            if entry.name == FILE:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        (self.folder / FILE).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self.folder.rmdir()


class Store:
    """The folder of all clusters."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def names(self) -> list[str]:
        """Names of the clusters that have a state file."""
        with contextlib.suppress(FileNotFoundError):
            return sorted(entry.parent.name for entry in self.folder.glob(f"*/{FILE}"))
        return []

    def load(self, name: str) -> Cluster:
        """Read a cluster. Raises NotFound, Invalid for a damaged file."""
        file = self.folder / check_name(name) / FILE
        try:
            content = json.loads(file.read_text())
            return Cluster(self, name, State.from_json(content))
        except FileNotFoundError:
            raise self._unknown(name) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise errors.Invalid([errors.Problem(str(error), where=str(file))]) from error

    def find(self, name: str) -> Cluster | None:
        """As `load`, None when there is none."""
        try:
            return self.load(name)
        except errors.NotFound:
            return None

    def others(self, name: str) -> Iterator[Cluster]:
        """All other clusters whose state can be read."""
        for other in self.names():
            if other != name:
                with contextlib.suppress(errors.Invalid, errors.NotFound):
                    yield self.load(other)

    def create(self, request: Request, **fields: Any) -> Cluster:
        """Make the folder and the first state file."""
        folder = self.folder / request.name
        folder.mkdir(mode=0o700, exist_ok=True)
        numbers: dict[str, int] = {}
        for node in request.nodes:
            numbers[node.role.value] = max(numbers.get(node.role.value, 0), node.number)
        cluster = Cluster(self, request.name, State(request, numbers=numbers, created=time.time(), **fields))
        try:
            cluster.update()
            launch.sync_folder(self.folder)
        except BaseException:
            cluster.delete()
            raise
        return cluster

    @contextlib.asynccontextmanager
    async def allocation(self, timeout_s: float = 60.0) -> AsyncIterator[None]:
        """Nobody else gives out names, networks or ports meanwhile. Makes the folder, and removes an empty one."""
        deadline = time.monotonic() + timeout_s
        async with contextlib.AsyncExitStack() as held:
            while True:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                busy = f"another command is creating a cluster in {self.folder}"
                # It may vanish with the last cluster before it is locked.
                with contextlib.suppress(errors.NotFound):
                    await held.enter_async_context(_locked(self.folder, busy, deadline - time.monotonic()))
                    break
            try:
                yield
            finally:
                self._remove_empty()

    async def delete(self, cluster: Cluster) -> None:
        """Remove a cluster's folder; nobody creates one meanwhile."""
        async with self.allocation():
            await asyncio.to_thread(cluster.delete)

    def _remove_empty(self) -> None:
        for folder in (self.folder, self.folder.parent):
            if folder.name in ("clusters", ".talos"):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    @contextlib.asynccontextmanager
    async def lock(self, name: str, timeout_s: float = 5.0) -> AsyncIterator[None]:
        """Nobody else changes the cluster meanwhile. Raises NotFound without its folder, Conflict when it is busy."""
        async with contextlib.AsyncExitStack() as held:
            folder, busy = self.folder / check_name(name), f"another command is working on cluster {name}"
            try:
                await held.enter_async_context(_locked(folder, busy, timeout_s))
            except errors.NotFound:
                raise self._unknown(name) from None
            yield

    def _unknown(self, name: str) -> errors.NotFound:
        return errors.NotFound(f"there is no cluster {name} in {self.folder}")


@contextlib.asynccontextmanager
async def _locked(folder: Path, busy: str, timeout_s: float) -> AsyncIterator[None]:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise errors.NotFound(f"there is no {folder}") from None
        if _try_lock(fd, folder):
            break
        os.close(fd)
        if time.monotonic() >= deadline:
            raise errors.Conflict(busy)
        await asyncio.sleep(_LOCK_POLL_S)
    try:
        yield
    finally:
        os.close(fd)


def _try_lock(fd: int, folder: Path) -> bool:
    """A lock on a folder that was removed meanwhile is worth nothing."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder.stat().st_ino == os.fstat(fd).st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


def default_folder() -> Path:
    """`~/.talos/clusters`, below `$TALOS_HOME` when that is set."""
    home = os.environ.get("TALOS_HOME")
    return (Path(home) if home else Path.home() / ".talos") / "clusters"
