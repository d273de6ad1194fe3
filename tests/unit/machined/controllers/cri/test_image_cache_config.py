"""Which image cache a machine uses, and when the configuration says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.machined.controllers.cri import image_cache_config as cache
from talos.machinery.config import loader
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume

DISK, ISO = Path("/system/imagecache/disk"), Path("/system/imagecache/iso")


def volume(id: str, label: str, name: str = "squashfs") -> DiscoveredVolume:
    spec = DiscoveredVolume.Spec(dev_path=f"/dev/{id}", parent=id[:3], partition_label=label, name=name)
    return DiscoveredVolume(id, spec)


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([], None),
        ([volume("vda3", "IMAGECACHE")], ("/dev/vda3", DISK)),
        ([volume("vdb1", "IMAGECACHE-ISO"), volume("vda3", "IMAGECACHE")], ("/dev/vda3", DISK)),
        ([volume("vdb1", "IMAGECACHE-ISO")], ("/dev/vdb1", ISO)),
        # Another machine's disk is not this one's.
        ([volume("vdb3", "IMAGECACHE")], None),
        ([volume("vda3", "IMAGECACHE", "")], None),
        ([volume("vda3", "images")], None),
    ],
)
def test_the_disk_comes_before_the_medium(volumes: list[DiscoveredVolume], expected: tuple[str, Path] | None) -> None:
    assert cache.choose(volumes, "vda") == expected


MACHINE = "version: v1alpha1\nmachine:\n  type: worker\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MACHINE, True),
        (MACHINE + "  features: {imageCache: {localEnabled: false}}\n", False),
        (MACHINE + "  features: {imageCache: {localEnabled: true}}\n", True),
        (MACHINE + "---\napiVersion: v1alpha1\nkind: ImageCacheConfig\nlocal: {enabled: false}\n", False),
        (MACHINE + "---\napiVersion: v1alpha1\nkind: ImageCacheConfig\nlocal: {enabled: true}\n", True),
        (MACHINE + "---\napiVersion: v1alpha1\nkind: ImageCacheConfig\n", True),
    ],
)
@pytest.mark.feature("F159")
def test_it_is_used_unless_the_configuration_says_no(text: str, expected: bool) -> None:
    assert cache.wanted(loader.load(text.encode())) is expected
