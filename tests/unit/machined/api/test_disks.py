"""Which devices BlockDeviceWipe refuses, and how disks are called."""

import pytest

from talos.base import errors
from talos.linux import block
from talos.machined.api import disks
from talos.machinery.api._generated.storage import storage_pb2
from talos.machinery.resources.block.disk import Disk

Request = storage_pb2.BlockDeviceWipeDescriptor


def device(name: str, *, parent: str = "", secondaries: tuple[str, ...] = (), read_only: bool = False) -> block.Device:
    return block.Device(
        name=name,
        kind="partition" if parent else "disk",
        major=254,
        minor=0,
        size=1 << 30,
        sector_bytes=512,
        io_bytes=512,
        device_path=f"/devices/{name}",
        parent=parent,
        read_only=read_only,
        secondaries=secondaries,
    )


PARTS = [
    device("vdb"),
    device("vdb1", parent="vdb"),
    device("vdb2", parent="vdb"),
    device("vdc"),
    device("md0", secondaries=("vdc",)),
    device("sr0", read_only=True),
]
BY_NAME = {one.name: one for one in PARTS}
USERS = {"/dev/vdb1": "u-data"}


@pytest.mark.feature("A075", "I036")
@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (Request(device="vdb"), "vdb1 is used by volume u-data"),
        (Request(device="vdb1"), "vdb1 is used by volume u-data"),
        (Request(device="vdb1", skip_secondary_check=True), "u-data"),
        (Request(device="vdc"), "vdc is part of md0"),
        (Request(device="vdc", skip_volume_check=True), "md0"),
        (Request(device="sr0"), "read-only"),
    ],
)
def test_what_is_used_is_refused(request_: Request, refusal: str) -> None:
    with pytest.raises(errors.Conflict, match=refusal):
        disks.check(BY_NAME[request_.device], PARTS, USERS, request_)


@pytest.mark.parametrize(
    "request_",
    [
        Request(device="vdb2", drop_partition=True),
        Request(device="vdb", skip_volume_check=True),
        Request(device="vdc", skip_secondary_check=True),
    ],
)
def test_what_is_free_or_said_to_be_is_allowed(request_: Request) -> None:
    disks.check(BY_NAME[request_.device], PARTS, USERS, request_)


def test_only_a_partition_can_be_dropped() -> None:
    with pytest.raises(errors.Invalid, match="no partition"):
        disks.check(BY_NAME["vdc"], [BY_NAME["vdc"]], {}, Request(device="vdc", drop_partition=True))


@pytest.mark.feature("A074", "I037")
@pytest.mark.parametrize(
    ("name", "spec", "kind"),
    [
        ("sr0", Disk.Spec(cdrom=True), storage_pb2.Disk.CD),
        ("nvme0n1", Disk.Spec(transport="nvme"), storage_pb2.Disk.NVME),
        ("mmcblk0", Disk.Spec(transport="mmc"), storage_pb2.Disk.SD),
        ("sda", Disk.Spec(rotational=True), storage_pb2.Disk.HDD),
        ("vda", Disk.Spec(), storage_pb2.Disk.SSD),
    ],
)
def test_kinds_of_disks(name: str, spec: Disk.Spec, kind: int) -> None:
    assert disks.kind(spec, name) == kind
