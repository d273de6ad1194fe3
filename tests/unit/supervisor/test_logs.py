import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos.base import errors
from talos.supervisor import logs


async def _collect(store: logs.LogStore, name: str, tail: int) -> bytes:
    return b"".join([part async for part in store.read(name, tail_lines=tail)])


@pytest.mark.feature("Q001")
async def test_ring_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    store = logs.LogStore(tmp_path, ring_bytes=100_000)
    for number in range(20_000):
        store.write("a", b"line %06d\n" % number)
    ring = store.ring("a")
    assert ring.end - ring.start <= 100_000 + 1
    assert (await _collect(store, "a", 2)) == b"line 019998\nline 019999\n"


@given(st.lists(st.binary(max_size=80_000), max_size=6), st.integers(0, 12))
def test_tail_is_the_last_lines_of_what_was_written(parts: list[bytes], lines: int) -> None:
    ring = logs.Ring(10_000_000)
    for part in parts:
        ring.write(part)
    text = b"".join(parts)
    expected = b"".join(text.splitlines(keepends=True)[-lines:]) if b"\r" not in text and lines else None
    got = ring.read(ring.tail(lines))
    assert text.endswith(got)
    if lines == 0:
        assert got == b""
    elif expected is not None and not any(char in text for char in b"\x0b\x0c\x1c\x1d\x1e\x85"):
        assert got == expected


@pytest.mark.feature("Q001", "Q002")
async def test_follow_gets_what_is_written_later(tmp_path: Path) -> None:
    store = logs.LogStore(tmp_path)
    store.write("a", b"one\n")
    seen: list[bytes] = []

    async def follow() -> None:
        async for part in store.read("a", tail_lines=-1, follow=True):
            seen.append(part)  # noqa: PERF401  (the stream does not end)

    task = asyncio.create_task(follow())
    await asyncio.sleep(0.01)
    store.write("a", b"two\n")
    await asyncio.sleep(0.01)
    task.cancel()
    assert seen == [b"one\n", b"two\n"]


async def test_unknown_log_and_bad_ids(tmp_path: Path) -> None:
    store = logs.LogStore(tmp_path)
    with pytest.raises(errors.NotFound):
        await _collect(store, "none", -1)
    for bad in ("../x", "a/b", "", ".hidden"):
        with pytest.raises(errors.Invalid):
            store.write(bad, b"x")


async def test_fifo_survives_readers_and_writers(tmp_path: Path) -> None:
    first = logs.LogStore(tmp_path / "fifo")
    path = first.fifo("svc")
    writer = os.open(path, os.O_RDWR)
    os.write(writer, b"before\n")
    await asyncio.sleep(0.01)
    assert await _collect(first, "svc", -1) == b"before\n"
    first.persist(tmp_path / "log")
    await first.close()
    os.write(writer, b"nobody reads\n")
    second = logs.LogStore(tmp_path / "fifo")
    second.fifo("svc")
    await asyncio.sleep(0.01)
    second.persist(tmp_path / "log")
    assert await _collect(second, "svc", -1) == b"before\nnobody reads\n"
    await second.close()
    os.close(writer)
    assert (tmp_path / "log/svc.log").read_bytes() == b"before\nnobody reads\n"


@pytest.mark.feature("Q001")
async def test_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_BYTES", 1000)
    store = logs.LogStore(tmp_path / "fifo")
    store.persist(tmp_path / "log")
    for _ in range(3):
        store.write("a", b"x" * 700 + b"\n")
        assert store.flush() is None
    await store.close()
    assert (tmp_path / "log/a.log").stat().st_size == 701
    assert (tmp_path / "log/a.log.1").stat().st_size == 1402


async def test_a_disk_that_refuses_loses_nothing_recent(tmp_path: Path) -> None:
    store = logs.LogStore(tmp_path / "fifo")
    store.persist(tmp_path / "log")
    (tmp_path / "log/a.log").mkdir()
    store.write("a", b"kept\n")
    assert isinstance(store.flush(), IsADirectoryError)
    (tmp_path / "log/a.log").rmdir()
    assert store.flush() is None
    assert (tmp_path / "log/a.log").read_bytes() == b"kept\n"
    await store.close()
