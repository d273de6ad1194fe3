"""The initramfs writer, read by a reader of its own."""

import stat

from talos.imager import cpio


def read(data: bytes) -> dict[str, tuple[int, bytes, tuple[int, int]]]:
    """A reader after the kernel's documentation, independent of the writer."""
    found, at = {}, 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        name = data[at + 110 : at + 110 + fields[11] - 1].decode()
        at = -(-(at + 110 + fields[11]) // 4) * 4
        if name == "TRAILER!!!":
            assert at == len(data)
            return found
        found[name] = (fields[1], data[at : at + fields[6]], (fields[9], fields[10]))
        at = -(-(at + fields[6]) // 4) * 4


def test_everything_comes_back_with_its_parents() -> None:
    entries = {
        "usr/bin/x": cpio.file(b"abcde", 0o755),
        "dev/console": cpio.character(5, 1),
        "init": cpio.link("usr/bin/x"),
        "empty": cpio.file(b""),
    }
    found = read(cpio.archive(entries))
    assert list(found) == ["dev", "dev/console", "empty", "init", "usr", "usr/bin", "usr/bin/x"]
    assert found["usr/bin/x"] == (stat.S_IFREG | 0o755, b"abcde", (0, 0))
    assert found["dev/console"] == (stat.S_IFCHR | 0o600, b"", (5, 1))
    assert found["init"][1] == b"usr/bin/x"
    assert stat.S_ISDIR(found["usr"][0])


def test_archives_can_stand_behind_each_other() -> None:
    first = cpio.archive({"a": cpio.file(b"123")})
    assert len(first) % 4 == 0


def test_order_of_the_entries_does_not_matter() -> None:
    a, b = cpio.file(b"1"), cpio.file(b"2")
    assert cpio.archive({"a": a, "b": b}) == cpio.archive({"b": b, "a": a})
