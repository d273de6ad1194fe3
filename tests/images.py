"""Programs of the artifact set's images, unpacked for tests that run them without containers."""

from __future__ import annotations

import platform
import tarfile
from pathlib import Path

from talos.supervisor.containerd import layout
from tests import capabilities

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def unpack(name: str, into: Path) -> Path:
    """Unpack the layers of the image whose name has `name` as its last part; return the directory."""
    images = capabilities.artifacts_dir() / "images"
    found = layout.read_layout(images, _ARCHITECTURES[platform.machine()])
    image = next(one for one in found if one.name.rpartition(":")[0].rpartition("/")[2] == name)
    into.mkdir(parents=True, exist_ok=True)
    for layer in image.layers:
        with tarfile.open(layout.blob_path(images, layer.digest)) as archive:
            archive.extractall(into, filter="fully_trusted")
    return into
