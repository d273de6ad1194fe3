"""The machine configuration on disk: `config.yaml` as it came, and a copy beside it that carries its checksum.

    config.yaml             the configuration, byte for byte; what other implementations read and write
    config.last-good.yaml   `# sha256 <hex>` and the same bytes

Each is replaced atomically, the copy first. So when the two differ and the copy fits its checksum, `config.yaml` was
damaged, or the machine died between the two steps of a change nobody was told had succeeded: the copy is right both
times. A copy that does not fit its checksum is ignored.

What is in force is noted in memory (`/system/run`), too: a machined that is started again within one boot goes on with
it, though what is on disk may be meant for the next.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from talos.base.constants import paths

FILE = paths.STATE / paths.CONFIG_FILENAME
NOTE = paths.SYSTEM_RUN / "config.active.yaml"
COPY_NAME = "config.last-good.yaml"
_MARK = b"# sha256 "
_log = logging.getLogger("configuration")


@dataclass(frozen=True, slots=True)
class Found:
    """What is on disk; `damage` says why `source` is the copy, empty when it is not."""

    source: bytes
    damage: str = ""


class ConfigFile:
    """The file and its copy."""

    def __init__(self, path: Path = FILE, note: Path | None = None) -> None:
        self.path = path
        self.note_path = note or (NOTE if path == FILE else path.with_name(NOTE.name))
        self.copy = path.with_name(COPY_NAME)

    def read(self) -> Found | None:
        """Return the configuration, None when there is none. Raises OSError when it cannot be read at all."""
        copy = self._read_copy()
        try:
            source = self.path.read_bytes()
        except FileNotFoundError:
            return None if copy is None else Found(copy, f"{self.path} is gone")
        except OSError as error:
            if copy is None:
                raise
            return Found(copy, str(error))
        if copy is None or copy == source:
            return Found(source)
        return Found(copy, f"{self.path} does not fit its checksum")

    def holds(self, source: bytes) -> bool:
        """Tell whether file and copy are both there and both this."""
        try:
            return self.path.read_bytes() == source == self._read_copy()
        except OSError:
            return False

    def write(self, source: bytes) -> None:
        """Replace the configuration and its copy, durably. Raises OSError; the old one is still found then."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(source).hexdigest().encode()
        before = self._read_copy()
        _replace(self.copy, _MARK + digest + b"\n" + source)
        try:
            _replace(self.path, source)
        except OSError:
            # The caller is told that nothing changed, so the copy must not bring it back.
            if before is None:
                self.copy.unlink(missing_ok=True)
            else:
                _replace(self.copy, _MARK + hashlib.sha256(before).hexdigest().encode() + b"\n" + before)
            raise

    def note(self, source: bytes) -> None:
        """Remember what is in force till the machine boots. A note that cannot be made is worth no failure."""
        try:
            _replace(self.note_path, source, durable=False)
        except OSError as error:
            _log.warning("%s", error)

    def noted(self) -> bytes | None:
        """Return what an earlier machined of this boot had in force."""
        try:
            return self.note_path.read_bytes()
        except OSError:
            return None

    def _read_copy(self) -> bytes | None:
        """Return the copy if it fits its checksum."""
        try:
            head, _, source = self.copy.read_bytes().partition(b"\n")
        except OSError:
            return None
        if head != _MARK + hashlib.sha256(source).hexdigest().encode():
            return None
        return source


def _replace(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Give a file new content: all of it or none; if `durable`, on the disk before this returns."""
    scratch = path.with_name(f".{path.name}.new")
    try:
        fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    if not durable:
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
