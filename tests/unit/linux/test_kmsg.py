import pytest

from talos.linux import kmsg


def test_record() -> None:
    record = kmsg.parse(b"30,1234,5678901,-;systemd[1]: tab\\x09end\n SUBSYSTEM=x\n")
    assert record == kmsg.Record("daemon", "info", 1234, 5678901, "systemd[1]: tab\tend")


def test_not_a_record() -> None:
    with pytest.raises(ValueError, match="not a kernel log record"):
        kmsg.parse(b"nothing")
