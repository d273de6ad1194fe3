"""What a reset wipes, as a table; and the wiping of directories for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talos.base import errors
from talos.machined import resetting
from talos.machined.sequencer.tasks import wiping
from talos.machinery.api._generated.machine import machine_pb2

MODES = machine_pb2.ResetRequest.WipeMode
STORAGE = resetting.Storage(
    system_disk="/dev/sda",
    disks=frozenset({"/dev/sda", "/dev/sdb", "/dev/sr0"}),
    read_only=frozenset({"/dev/sr0"}),
    volumes={"STATE": "/dev/sda3", "EPHEMERAL": "/dev/sda4"},
)


def _request(mode: str = "ALL", labels: tuple[str, ...] = (), disks: tuple[str, ...] = ()) -> Any:
    return machine_pb2.ResetRequest(
        graceful=True,
        mode=MODES.Value(mode),
        user_disks_to_wipe=disks,
        system_partitions_to_wipe=[machine_pb2.ResetPartitionSpec(label=label, wipe=True) for label in labels],
    )


@pytest.mark.feature("H020")
@pytest.mark.parametrize(
    ("asked", "devices", "labels"),
    [
        (_request(), ("/dev/sda",), ("STATE", "EPHEMERAL")),
        (_request("SYSTEM_DISK"), ("/dev/sda",), ("STATE", "EPHEMERAL")),
        (_request(labels=("EPHEMERAL",)), ("/dev/sda4",), ("EPHEMERAL",)),
        (_request(labels=("STATE", "STATE")), ("/dev/sda3",), ("STATE",)),
        (_request(disks=("/dev/sdb",)), ("/dev/sdb", "/dev/sda"), None),
        (_request("USER_DISKS", disks=("/dev/sdb",)), ("/dev/sdb",), None),
        (_request(labels=("STATE",), disks=("/dev/sdb",)), ("/dev/sdb", "/dev/sda3"), None),
    ],
)
def test_what_is_wiped(asked: Any, devices: tuple[str, ...], labels: tuple[str, ...] | None) -> None:
    on_machine = resetting.plan(asked, STORAGE)
    assert (on_machine.devices, on_machine.partitions, on_machine.graceful) == (devices, (), True)
    if labels is None:
        with pytest.raises(errors.Unsupported, match="container"):
            resetting.plan(asked, None)
    else:
        in_container = resetting.plan(asked, None)
        assert (in_container.devices, in_container.partitions) == ((), labels)


@pytest.mark.feature("H020")
@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (_request("USER_DISKS"), "names of the disks"),
        (_request("USER_DISKS", labels=("STATE",), disks=("/dev/sdb",)), "leaves the system's partitions alone"),
        (_request("SYSTEM_DISK", disks=("/dev/sdb",)), "leaves the user's disks alone"),
        (_request(disks=("/dev/sda",)), "is the system disk"),
        (_request(disks=("/dev/sdz",)), "no disk '/dev/sdz'"),
        (_request(disks=("/dev/sr0",)), "read-only"),
        (_request(labels=("BOOT",)), "no volume 'BOOT'"),
    ],
)
def test_what_cannot_be_wiped_is_said_before_anything_stops(asked: Any, text: str) -> None:
    with pytest.raises(errors.TalosError, match=text):
        resetting.plan(asked, STORAGE)


def test_directories_are_emptied_links_are_not_followed(tmp_path: Path) -> None:
    top, other = tmp_path / "var", tmp_path / "other"
    (top / "lib/deep").mkdir(parents=True)
    (top / "lib/deep/file").write_text("x")
    other.mkdir()
    (other / "kept").write_text("x")
    (top / "link").symlink_to(other)
    wiping.empty(top)
    assert list(top.iterdir()) == []
    assert (other / "kept").exists()
