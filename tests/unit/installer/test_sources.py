"""Systems in files and in the layers of installer images; what is none is refused before anything runs."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from talos.base import errors
from talos.installer import sources
from tests.unit.boot import images

BELOW = "usr/install/amd64"


def layer(path: Path, files: dict[str, bytes], pack: str = "") -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    data = buffer.getvalue()
    packers: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gz": gzip.compress, "zst": zstandard.compress}
    path.write_bytes(packers[pack](data))
    return path


@pytest.mark.parametrize("pack", ["", "gz", "zst"])
@pytest.mark.feature("J015")
def test_an_installer_image_is_read_from_its_layers(tmp_path: Path, pack: str) -> None:
    old = {f"{BELOW}/vmlinuz.efi": images.unified("v1"), "bin/other": b"x"}
    new = {f"./{BELOW}/vmlinuz.efi": images.unified("v2"), f"{BELOW}/systemd-boot.efi": images.stub()}
    layers = [layer(tmp_path / "1", old, pack), layer(tmp_path / "2", new, pack)]
    found = sources.from_layers(layers, tmp_path / "out", "x86_64")
    assert found.system.version == "v2"
    assert found.system.loader == images.stub()
    assert b"".join(found.system.image()) == images.unified("v2")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["systemd-boot.efi", "vmlinuz.efi"]


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"bin/sh": b"x"}, "not an installer"),
        ({f"{BELOW}/vmlinuz.efi": b"text"}, "ends early|no PE"),
        ({f"{BELOW}/vmlinuz.efi": images.unified("v1")[:-600]}, "ends early"),
        ({f"{BELOW}/vmlinuz.efi": images.unified("v1", id="talos")}, "not this one"),
        ({f"{BELOW}/vmlinuz.efi": images.unified("v1"), f"{BELOW}/systemd-boot.efi": b"MZ"}, "ends early"),
        ({"../../usr/install/amd64/vmlinuz.efi": images.unified("v1")}, "not an installer"),
    ],
)
@pytest.mark.feature("J015")
def test_what_is_no_installer_is_refused(tmp_path: Path, files: dict[str, bytes], text: str) -> None:
    with pytest.raises(errors.Invalid, match=text):
        sources.from_layers([layer(tmp_path / "1", files)], tmp_path / "out", "x86_64")


def test_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"no tar" * 1000)
    with pytest.raises(errors.Invalid):
        sources.from_layers([tmp_path / "1"], tmp_path / "out", "x86_64")


@pytest.mark.parametrize("pack", ["", "gz", "zst"])
def test_a_layer_cut_short_is_refused(tmp_path: Path, pack: str) -> None:
    made = layer(tmp_path / "1", {f"{BELOW}/vmlinuz.efi": images.unified("v1", padding=3 << 20)}, pack)
    for length in (3, made.stat().st_size // 3, made.stat().st_size // 2):
        (tmp_path / "2").write_bytes(made.read_bytes()[:length])
        with pytest.raises(errors.Invalid):
            sources.from_layers([tmp_path / "2"], tmp_path / "out", "x86_64")
