"""What selectors of each place may use, with the resources they look at."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from talos.machinery import cel
from talos.machinery.cel import environment, kinds
from talos.machinery.resources import _messages
from talos.machinery.resources.block import discovered_volume, disk
from talos.machinery.resources.network import link_status

DISK = disk.Disk.Spec(
    dev_path="/dev/nvme0n1", size=500 * 10**9, transport="nvme", model="Fast 9", symlinks=("/dev/disk/by-id/nvme-9",)
)
VOLUME = discovered_volume.DiscoveredVolume.Spec(name="ext4", label="DATA", partition_label="MY-DATA", size=10**9)
LINK = link_status.LinkStatus.Spec(
    hardware_addr="00:1a:2b:3c:4d:5e",
    driver="e1000",
    alt_names=("enx001a2b3c4d5e",),
    flags="UP,RUNNING",
    link_state=True,
)


@pytest.mark.feature("F034")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("system_disk", False),
        ("!system_disk && disk.transport == 'nvme'", True),
        ("disk.size > 120u * GB && disk.size < 1u * TB && !disk.rotational", True),
        ("disk.size >= 1u * TiB", False),
        ("glob('/dev/nvme*', disk.dev_path)", True),
        ("'/dev/disk/by-id/nvme-9' in disk.symlinks", True),
        ("disk.symlinks.exists(link, link.startsWith('/dev/disk/by-path/'))", False),
        ("has(disk.model) && !has(disk.serial)", True),
    ],
)
def test_disks(text: str, value: bool) -> None:
    assert cel.matches(text, environment.disk(), {"disk": DISK, "system_disk": False}) is value


@pytest.mark.feature("F034")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("volume.partition_label == 'MY-DATA'", True),
        ("volume.name == 'ext4' && volume.size > 1000u * TB", False),
        ("volume.name == 'ext4' && disk.transport == 'nvme'", True),
    ],
)
def test_volumes(text: str, value: bool) -> None:
    assert cel.matches(text, environment.volume(), {"volume": VOLUME, "disk": DISK}) is value


@pytest.mark.feature("F034")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('link.driver == "e1000"', True),
        ('mac(link.hardware_addr) == "00:1a:2b:3c:4d:5e"', True),
        ('glob("00:1a:2b:*", mac(link.hardware_addr))', True),
        ('glob("00:1a:2b:*", mac(link.permanent_addr))', False),
        ('"enx001a2b3c4d5e" in link.alt_names', True),
        ("link.link_state && link.flags == 65u", True),
        ("link.vlan.vid == 0u && link.bond_master.mode == 0", True),
    ],
)
def test_links(text: str, value: bool) -> None:
    assert cel.matches(text, environment.link(), {"link": LINK}) is value


@pytest.mark.parametrize(
    ("limit", "group", "value"), [(None, "Besteffort", 500.0), (None, "Burstable", 250.0), (1000, "Besteffort", 0.0)]
)
def test_the_ranking_of_control_groups(limit: int | None, group: str, value: float) -> None:
    text = (
        "memory_max.hasValue() ? 0.0 : {Besteffort: 1.0, Burstable: 0.5, Guaranteed: 0.0, Podruntime: 0.0, System: 0.0}"
        "[class] * double(memory_current.orValue(0u))"
    )
    variables: dict[str, Any] = {"memory_max": limit, "memory_current": 500, "class": environment.CLASSES.index(group)}
    assert cel.evaluate(text, "oom-ranking", variables) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("disk", "volume.size > 1u", "here there is disk, system_disk"),
        ("disk", "disk.siez > 1u", "did you mean 'size'?"),
        ("disk", "disk.size > 10", "10u"),
        ("disk", "disk.size", "gives uint"),
        ("link", "link.driver == 'a' && link.mtu > 9u * GB", "unknown name 'GB'"),
        ("oom-ranking", "memory_current", "has to give a double"),
        ("disk", "optional.of(1).hasValue()", "unknown name 'optional'"),
    ],
)
def test_what_is_not_there_is_refused(name: str, text: str, words: str) -> None:
    with pytest.raises(cel.ExpressionError) as caught:
        cel.compile(text, name)
    assert words in str(caught.value)


def test_a_missing_variable_is_no_crash() -> None:
    with pytest.raises(cel.EvaluationError, match="disk is not known here"):
        cel.evaluate("disk.size > 1u", "disk", {})


_SCALARS = {
    FieldDescriptor.TYPE_UINT64: "uint",
    FieldDescriptor.TYPE_UINT32: "uint",
    FieldDescriptor.TYPE_INT64: "int",
    FieldDescriptor.TYPE_INT32: "int",
    FieldDescriptor.TYPE_ENUM: "int",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def _fields(message: Descriptor) -> dict[str, str]:
    found = {}
    for field in message.fields:
        kind = _SCALARS.get(field.type) or f"m.{field.message_type.name if field.message_type else ''}"
        found[field.name] = f"list({kind})" if field.is_repeated else kind
    return found


@pytest.mark.parametrize("where", [environment.disk(), environment.volume(), environment.link()], ids=lambda e: e.name)
def test_fields_are_those_of_the_messages(where: environment.Environment) -> None:
    """All but lists of messages (addresses, peers), which are text in resources."""
    seen = [kind.name for kind in where.variables.values() if "." in kind.name]
    for name in seen:
        package = "network" if "link" in where.variables else "block"
        full_name = f"talos.resource.definitions.{package}.{name[2:]}"
        _messages.load(full_name)
        message = descriptor_pool.Default().FindMessageTypeByName(full_name)
        known = {field: str(kind) for field, kind in where.messages[name].items()}
        assert known == {field: kind for field, kind in _fields(message).items() if not kind.startswith("list(m.")}
        seen += [kind.name for kind in where.messages[name].values() if "." in kind.name]
    assert where.result == kinds.BOOL
