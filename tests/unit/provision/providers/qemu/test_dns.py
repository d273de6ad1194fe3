"""Names of the nodes, and messages that are none."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from talos.provision.providers.qemu import dns

NAMES = {"c-worker-1": "10.5.0.3"}


def query(name: str, kind: int = 1, id: int = 0x1234) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", id, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_the_address_of_a_node() -> None:
    asked = query("C-Worker-1")
    answer = dns.own_answer(asked, NAMES)
    assert answer is not None
    id, flags, questions, answers, _, _ = struct.unpack_from("!HHHHHH", answer)
    assert (id, questions, answers) == (0x1234, 1, 1)
    assert flags & 0x8000 and flags & 0x0100 and flags & 0xF == 0
    assert answer[12 : len(asked)] == asked[12:]
    assert answer.endswith(b"\0\4" + bytes([10, 5, 0, 3]))


def test_a_node_has_no_other_records() -> None:
    answer = dns.own_answer(query("c-worker-1", kind=28), NAMES)
    assert answer is not None
    assert struct.unpack_from("!HH", answer, 4) == (1, 0)


def test_other_names_are_others() -> None:
    assert dns.own_answer(query("example.org"), NAMES) is None


@pytest.mark.parametrize("length", range(28))
def test_a_message_that_ends_early_is_refused(length: int) -> None:
    whole = query("c-worker-1")
    assert len(whole) == 28
    with pytest.raises(ValueError, match=r"question|name|label"):
        dns.question(whole[:length])


def test_compressed_names_are_no_questions() -> None:
    with pytest.raises(ValueError, match="label"):
        dns.question(query("x")[:12] + b"\xc0\x0c\0\1\0\1")


def test_a_failure_is_the_answer_to_its_query() -> None:
    asked = query("example.org")
    failed = dns.failure(asked)
    assert failed[:2] == asked[:2]
    assert failed[4:] == asked[4:]
    flags = struct.unpack_from("!H", failed, 2)[0]
    assert flags & 0x8000 and flags & 0xF == 2


def test_the_first_file_with_servers_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("search x\n")
    (tmp_path / "b").write_text("nameserver 127.0.0.53\nnameserver 9.9.9.9\n")
    assert dns.servers([tmp_path / "none", tmp_path / "a", tmp_path / "b"]) == ["127.0.0.53", "9.9.9.9"]
    assert dns.servers([tmp_path / "a"]) == []
