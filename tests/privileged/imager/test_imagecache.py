"""Container images packed for a medium: the same bytes each time, layers unpacked and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.imager import imagecache, images, sysroot
from tests import capabilities

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_artifacts]
CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent


@pytest.mark.slow
def test_layers_are_packed_once_and_the_same_each_time(tmp_path: Path) -> None:
    layout = (capabilities.artifacts_dir() / "images").resolve()
    log, listed = tmp_path / "log", tmp_path / "listed"
    tree = sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=log)
    packed = [tmp_path / name / imagecache.FILE for name in ("one", "other")]
    for path in packed:
        path.parent.mkdir()
        imagecache._pack(layout, tree, 1, path, log)
    assert packed[0].read_bytes() == packed[1].read_bytes()
    tree.run(["unsquashfs", "-l", str(packed[0])], log=listed, timeout_s=60, shared=[tmp_path])
    names = listed.read_text()
    layers = {digest for name, digest in images.digests(layout).items() if "/layer" in name}
    assert layers
    for digest in layers:
        assert f"/blobs/sha256/{digest}\n" not in names
        assert f"/layers/{digest}\n" in names
    assert "/index.json\n" in names
