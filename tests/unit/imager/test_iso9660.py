"""The descriptors of an ISO image, at the places the standards give them."""

from __future__ import annotations

import struct

import pytest

from talos.base import errors
from talos.imager import iso9660

_PLAN = iso9660.Plan("TALOS", 1 << 20, 64 << 20, 66 << 20)


def _image() -> bytes:
    image = bytearray(1 << 20)
    for offset, content in iso9660.layout(_PLAN):
        image[offset : offset + len(content)] = content
    return bytes(image)


@pytest.mark.feature("J020")
def test_the_volume_names_its_one_file() -> None:
    image = _image()
    primary = image[16 * 2048 :][:2048]
    assert primary[:6] == b"\1CD001"
    assert primary[40:72].rstrip() == b"TALOS"
    assert struct.unpack_from("<I", primary, 80)[0] == struct.unpack_from(">I", primary, 84)[0] == (66 << 20) // 2048
    (root,) = struct.unpack_from("<I", primary, 156 + 2)
    at, records = root * 2048, []
    while image[at]:
        record = image[at : at + image[at]]
        records.append((record[33 : 33 + record[32]], *struct.unpack_from("<I4xI", record, 2)))
        at += image[at]
    assert records[2] == (b"EFI.IMG;1", 512, 64 << 20)
    assert [name for name, *_ in records[:2]] == [b"\0", b"\1"]


@pytest.mark.feature("J020")
def test_the_catalogue_sums_up_to_zero_and_names_the_partition() -> None:
    image = _image()
    boot = image[17 * 2048 :][:2048]
    assert boot[7:39].rstrip(b"\0") == b"EL TORITO SPECIFICATION"
    catalogue = image[struct.unpack_from("<I", boot, 71)[0] * 2048 :][:64]
    assert sum(struct.unpack_from("<16H", catalogue)) & 0xFFFF == 0
    assert catalogue[1] == 0xEF
    assert catalogue[32] == 0x88
    assert struct.unpack_from("<I", catalogue, 40)[0] == 512


@pytest.mark.parametrize(
    "plan",
    [
        iso9660.Plan("TALOS", 20 << 11, 1 << 20, 2 << 20),
        iso9660.Plan("TALOS", (1 << 20) + 512, 1 << 20, 3 << 20),
        iso9660.Plan("TALOS", 1 << 20, 5 << 30, 6 << 30),
    ],
)
def test_what_does_not_fit_is_refused(plan: iso9660.Plan) -> None:
    with pytest.raises(errors.Invalid):
        iso9660.layout(plan)
