"""A data directory for the first member of a new etcd cluster, made from a snapshot of an old one.

A snapshot is etcd's database (a bbolt file) followed by its SHA-256. The keys in it stay; what belongs to the old
cluster goes: its members, and how far its log had been applied, because the new cluster's log begins at 1 and entries
up to the recorded index would be skipped. etcd that is started as a new cluster and finds a database but no log takes
the database over, and writes itself into the emptied list of members.

The three places are changed where they lie, so that nothing of the file's structure has to be written anew. Format:
go.etcd.io/bbolt, internal/common (page.go, meta.go, bucket.go, inode.go); names of buckets and keys: etcd,
server/storage/schema. Integers of bbolt are little-endian on the platforms of this project, etcd's own are big-endian.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors

_MAGIC, _VERSION = 0xED0CDAED, 2
_PAGE = struct.Struct("<QHHI")  # id, flags, count, overflow
_META = struct.Struct(
    "<IIIIQQQQQQ"
)  # magic, version, page size, flags, root, sequence, freelist, high water, txid, sum
_BUCKET = struct.Struct("<QQ")  # root page, sequence
_LEAF_ELEMENT = struct.Struct("<IIII")  # flags, position, key size, value size
_BRANCH_ELEMENT = struct.Struct("<IIQ")  # position, key size, page
_BRANCH_PAGE, _LEAF_PAGE, _META_PAGE = 0x01, 0x02, 0x04
_COUNT_AT, _FLAGS_AT = 10, 8
_DIGEST_BYTES = 32
_SECTOR_BYTES = 512
_CHUNK_BYTES = 1 << 20
_MAX_DEPTH = 64
_MARK = "from-snapshot"
MEMBER_BUCKETS = (b"members", b"members_removed")
FIRST_TERM = 1


@dataclass(frozen=True, slots=True)
class _Span:
    """A key's value in the file."""

    at: int
    size: int


class _Database:
    """Read access by bucket and key, with the offsets needed for changes in place."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self._page_size, self._root = self._newest_meta()

    def _newest_meta(self) -> tuple[int, int]:
        found: list[tuple[int, int, int, int]] = []
        size = self._unpack(_META, _PAGE.size)[2]
        for at in {0, size if _SECTOR_BYTES <= size <= 1 << 20 else 4096}:
            if at + _PAGE.size + _META.size > len(self.data):
                continue
            fields = self._unpack(_META, at + _PAGE.size)
            whole = self.data[at + _PAGE.size : at + _PAGE.size + _META.size - 8]
            if fields[0] == _MAGIC and fields[1] == _VERSION and fields[9] == _fnv1a(whole):
                found.append((fields[8], fields[2], fields[4], fields[7]))
        if not found:
            raise errors.Invalid("the snapshot is no etcd database")
        _, page_size, root, pages = max(found)
        if pages * page_size > len(self.data):
            raise errors.Invalid("the snapshot's database is cut off")
        return page_size, root

    def _unpack(self, form: struct.Struct, at: int) -> tuple[int, ...]:
        try:
            return form.unpack_from(self.data, at)
        except struct.error:
            raise errors.Invalid("the snapshot's database is damaged or cut off") from None

    def bucket(self, name: bytes) -> int | None:
        """Return the offset of the root page of a top-level bucket, None when there is none."""
        value = self.find(self._root * self._page_size, name)
        if value is None:
            return None
        root, _ = self._unpack(_BUCKET, value.at)
        # Page 0: the bucket is small and its page lies in its parent, behind the bucket's header.
        return value.at + _BUCKET.size if root == 0 else root * self._page_size

    def find(self, page: int, key: bytes) -> _Span | None:
        """Return where the value of a key is."""
        for found, value in self._items(page, 0):
            if found == key:
                return value
        return None

    def _items(self, page: int, depth: int) -> Iterator[tuple[bytes, _Span]]:
        _, flags, count, _ = self._unpack(_PAGE, page)
        if depth > _MAX_DEPTH or not flags & (_BRANCH_PAGE | _LEAF_PAGE):
            raise errors.Invalid("the snapshot's database is damaged")
        for number in range(count):
            if flags & _BRANCH_PAGE:
                element = page + _PAGE.size + number * _BRANCH_ELEMENT.size
                yield from self._items(self._unpack(_BRANCH_ELEMENT, element)[2] * self._page_size, depth + 1)
                continue
            element = page + _PAGE.size + number * _LEAF_ELEMENT.size
            _, position, key_size, value_size = self._unpack(_LEAF_ELEMENT, element)
            start = element + position
            if start + key_size + value_size > len(self.data):
                raise errors.Invalid("the snapshot's database is damaged or cut off")
            yield self.data[start : start + key_size], _Span(start + key_size, value_size)

    def empty(self, page: int) -> None:
        """Let a bucket have no keys. Pages below its root stay in the file, unused."""
        self._unpack(_PAGE, page)
        struct.pack_into("<HH", self.data, page + _FLAGS_AT, _LEAF_PAGE, 0)


def _fnv1a(data: bytes) -> int:
    """FNV-1a, 64 bits: what bbolt sums its meta pages with."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def check(snapshot: Path, *, skip_hash: bool) -> int:
    """Return the size of the database in a snapshot. Raises Invalid when it is not whole; blocks.

    A database copied from a data directory has no hash; then `skip_hash` has to be said.
    """
    size = snapshot.stat().st_size
    hashed = size % _SECTOR_BYTES == _DIGEST_BYTES
    if hashed:
        size -= _DIGEST_BYTES
    if skip_hash:
        return size
    if not hashed:
        raise errors.Invalid("the snapshot has no hash at its end: it is cut off, or a copy of a database")
    digest, left = hashlib.sha256(), size
    with snapshot.open("rb") as file:
        while left and (part := file.read(min(_CHUNK_BYTES, left))):
            digest.update(part)
            left -= len(part)
        if file.read() != digest.digest():
            raise errors.Invalid("the snapshot is damaged: its hash does not fit")
    return size


def renew(database: Path) -> None:
    """Make a database, in place, one that a new cluster can begin with. Raises Invalid; blocks."""
    with database.open("r+b") as file:
        if os.fstat(file.fileno()).st_size < 2 * (_PAGE.size + _META.size):
            raise errors.Invalid("the snapshot is no etcd database")
        with contextlib.closing(mmap.mmap(file.fileno(), 0)) as data:
            _renew(_Database(data))
            data.flush()
        os.fsync(file.fileno())


def _renew(found: _Database) -> None:
    meta = found.bucket(b"meta")
    if meta is None or found.bucket(b"key") is None:
        raise errors.Invalid("the snapshot is no database of etcd 3")
    for key, number in ((b"consistent_index", 0), (b"term", FIRST_TERM)):
        value = found.find(meta, key)
        if value is not None and value.size == 8:
            struct.pack_into(">Q", found.data, value.at, number)
    for name in MEMBER_BUCKETS:
        page = found.bucket(name)
        if page is not None:
            found.empty(page)


def is_untouched(data: Path) -> bool:
    """Whether `data` was made from a snapshot and no etcd has run on it: it is to begin a new cluster."""
    return (data / "member" / _MARK).exists() and not (data / "member/wal").exists()


def restore(snapshot: Path, data: Path, *, skip_hash: bool = False) -> None:
    """Make `data`/member from a snapshot: all of it or nothing. Raises Invalid, AlreadyExists, OSError; blocks."""
    member, making = data / "member", data / "member.restoring"
    if member.exists():
        raise errors.AlreadyExists("etcd has data already")
    size = check(snapshot, skip_hash=skip_hash)
    shutil.rmtree(making, ignore_errors=True)
    try:
        (making / "snap").mkdir(parents=True, mode=0o700)
        database = making / "snap/db"
        shutil.copyfile(snapshot, database)
        os.truncate(database, size)
        database.chmod(0o600)
        renew(database)
        (making / _MARK).touch()
        making.rename(member)
    finally:
        shutil.rmtree(making, ignore_errors=True)
