from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import sysctl


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("kernel.panic", "kernel/panic"),
    ],
)
def test_names(name: str, path: str) -> None:
    assert sysctl.path(name, Path("/r")) == Path("/r") / path


@pytest.mark.parametrize("name", ["../etc/passwd", "net/../../x", "", "net..x", "/abs", "a/./b"])
def test_names_that_leave_the_tree_are_refused(name: str) -> None:
    with pytest.raises(errors.Invalid):
        sysctl.path(name)


def test_write_and_read(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/panic").write_text("0\n")
    sysctl.write("kernel.panic", "10", tmp_path)
    assert sysctl.read("kernel.panic", tmp_path).startswith("10")
    with pytest.raises(FileNotFoundError):
        sysctl.write("kernel.missing", "1", tmp_path)
