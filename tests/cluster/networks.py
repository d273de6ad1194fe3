"""Networks for the clusters of tests: a free one each, also beside other runs and what killed runs left.

Every network taken has a record in a folder all runs of this user share; its owner holds the record's lock as long as
it lives. A record that names a cluster but is not locked is the cluster of a run that died: it is destroyed.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from talos.provision.providers.namespaces import hostcheck

Destroy = Callable[[Path, str], None]
"""Destroys the cluster of a name whose state is below a home directory."""


def records() -> Path:
    """Folder of the records."""
    folder = Path(tempfile.gettempdir()) / f"talos-test-networks.{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def busy(prefix: str, taken: list[ipaddress.IPv4Network]) -> bool:
    """Tell whether prefix.0/24 meets a network in use."""
    wanted = ipaddress.IPv4Network(f"{prefix}.0/24")
    return any(wanted.overlaps(network) for network in taken)


def candidates(preferred: str) -> list[str]:
    """The preferred prefix, then the others of its /16."""
    first, second, third = preferred.split(".")
    return [preferred, *(f"{first}.{second}.{n}" for n in range(255) if n != int(third))]


def sweep(folder: Path, destroy: Destroy) -> list[str]:
    """Destroy the clusters whose owners are dead; return their names."""
    gone = []
    for path in sorted(folder.iterdir()):
        with _locked(path) as file:
            if file is None or not (text := file.read()):
                continue
            # A record cut off in its writing names no cluster: the creation had not begun.
            with contextlib.suppress(ValueError):
                left = json.loads(text)
                destroy(Path(left["home"]), left["name"])
                gone.append(left["name"])
            file.truncate(0)
    return gone


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[str] | None]:
    """The open record, None when somebody else owns it."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        file.seek(0)
        yield file


@contextlib.contextmanager
def claimed(preferred: str, home: Path, name: str, folder: Path, destroy: Destroy) -> Iterator[str]:
    """A free /24, by its first three numbers, for a cluster; kept from other runs until the block ends."""
    sweep(folder, destroy)
    taken = [network for network, _ in hostcheck.taken_by_host("").networks]
    for prefix in candidates(preferred):
        if busy(prefix, taken):
            continue
        with _locked(folder / prefix) as file:
            # A record with text is a cluster that went down between the sweep and now: next time.
            if file is None or file.read():
                continue
            json.dump({"home": str(home), "name": name}, file)
            file.flush()
            try:
                yield prefix
            finally:
                file.truncate(0)
            return
    raise AssertionError(f"no network near {preferred}.0/24 is free")
