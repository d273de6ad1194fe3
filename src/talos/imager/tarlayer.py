"""Writes image layers: uncompressed tar files whose bytes depend on nothing but their content.

Entries are sorted, belong to root unless said otherwise, and carry one fixed time; parents are written before what they
hold. Uncompressed because nodes import from a local disk: gzip would cost seconds of every import and save none.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

EPOCH = 1_700_000_000  # any fixed time would do; 1970 makes some tools suspicious


@dataclass(frozen=True, slots=True)
class Entry:
    """One member. At most one of `source` (a file), `content`, `target` (of a symbolic link) is set; none: a folder."""

    source: Path | None = None
    content: bytes | None = None
    target: str | None = None
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


def with_parents(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """`entries` by path without leading slash, sorted, and with every parent folder; pure."""
    complete = {path.strip("/"): entry for path, entry in entries.items()}
    for path in list(complete):
        for parent in PurePosixPath(path).parents:
            if str(parent) != ".":
                complete.setdefault(str(parent), Entry())
    return dict(sorted(complete.items()))


def _member(path: str, entry: Entry) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.mtime, member.mode, member.uid, member.gid = EPOCH, entry.mode, entry.uid, entry.gid
    member.uname = member.gname = ""
    if entry.target is not None:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.target, 0o777
    elif entry.content is not None:
        member.size = len(entry.content)
    elif entry.source is not None:
        member.size = entry.source.stat().st_size
    else:
        member.type = tarfile.DIRTYPE
    return member


def write(target: Path, entries: Mapping[str, Entry]) -> None:
    """Write the layer holding `entries` (path in the image to member) to `target`."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path, entry in with_parents(entries).items():
            member = _member(path, entry)
            if entry.source is not None:
                with entry.source.open("rb") as content:
                    archive.addfile(member, content)
            elif entry.content is not None:
                archive.addfile(member, io.BytesIO(entry.content))
            else:
                archive.addfile(member)
