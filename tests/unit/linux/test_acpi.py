"""Events of the firmware, as the kernel writes them."""

from __future__ import annotations

import struct
import sys

import pytest

from talos.base import errors
from talos.linux import acpi
from talos.linux.netlink import codec

PRESSED = b"button/power".ljust(20, b"\0") + b"LNXPWRBN:00".ljust(16, b"\0") + struct.pack("=II", 0x80, 1)
GENERIC = struct.pack("=BBH", 1, 1, 0)


def test_a_pressed_power_button() -> None:
    event = acpi.parse(GENERIC + codec.pack_attribute(1, PRESSED))
    assert event == acpi.Event(acpi.POWER_BUTTON, "LNXPWRBN:00", 0x80, 1)


@pytest.mark.parametrize("body", [b"", GENERIC, GENERIC + codec.pack_attribute(1, PRESSED[:-1]), GENERIC + b"\1"])
def test_other_messages_are_no_events(body: bytes) -> None:
    assert acpi.parse(body) is None


def test_the_group_is_found_by_its_name() -> None:
    def group(name: bytes, number: int) -> bytes:
        return codec.pack_attribute(1, name + b"\0") + codec.pack_attribute(2, number.to_bytes(4, sys.byteorder))

    groups = codec.nested(1, group(b"other", 3)) + codec.nested(2, group(b"acpi_mc_group", 7))
    assert acpi.group(GENERIC + codec.pack_attribute(2, b"acpi_event\0") + codec.nested(7, groups)) == 7
    with pytest.raises(errors.Unsupported):
        acpi.group(GENERIC + codec.nested(7, codec.nested(1, group(b"other", 3))))
    with pytest.raises(errors.Unsupported):
        acpi.group(GENERIC)
