import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from talos.base import errors
from talos.supervisor.containerd import importer
from talos.supervisor.containerd import layout as layouts
from talos.supervisor.containerd._generated.containerd import types_pb2


class Layout:
    """A small OCI layout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index: list[dict[str, Any]] = []

    def blob(self, data: bytes, media_type: str = "x") -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        path = self.root / "blobs/sha256" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def image(self, layers: list[bytes]) -> dict[str, Any]:
        diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        config = self.blob(json.dumps({"rootfs": {"diff_ids": diff_ids}}).encode())
        document = {"config": config, "layers": [self.blob(layer) for layer in layers]}
        return self.blob(json.dumps(document).encode(), "application/vnd.oci.image.manifest.v1+json")

    def add(self, name: str, descriptor: dict[str, Any]) -> None:
        self.index.append({**descriptor, "annotations": {layouts.NAME_ANNOTATION: name}})
        (self.root / "index.json").write_text(json.dumps({"manifests": self.index}))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def test_images_are_read_with_their_chain_ids(layout: Layout) -> None:
    layout.add("a:1", layout.image([b"one", b"two", b"three"]))
    (found,) = layouts.read_layout(layout.root)
    assert found.name == "a:1"
    first = hashlib.sha256(b"one").hexdigest()
    second = hashlib.sha256(f"sha256:{first} sha256:{hashlib.sha256(b'two').hexdigest()}".encode()).hexdigest()
    assert found.chain_ids[:2] == (f"sha256:{first}", f"sha256:{second}")
    assert len(found.chain_ids) == 3


def test_an_index_gives_the_manifest_of_the_architecture(layout: Layout) -> None:
    wanted, other = layout.image([b"amd64"]), layout.image([b"arm64"])
    manifests = [
        {**other, "platform": {"architecture": "arm64"}},
        {**wanted, "platform": {"architecture": "amd64"}},
    ]
    index = layout.blob(json.dumps({"manifests": manifests}).encode(), "application/vnd.oci.image.index.v1+json")
    layout.add("a:1", index)
    (found,) = layouts.read_layout(layout.root)
    assert found.target.digest == wanted["digest"]
    with pytest.raises(errors.Invalid, match="no manifest for riscv64"):
        layouts.read_layout(layout.root, "riscv64")


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "md5:abc", "", "sha256:" + "g" * 64])
def test_digests_that_are_none_are_refused(layout: Layout, digest: str) -> None:
    layout.add("a:1", {**layout.image([b"x"]), "digest": digest})
    with pytest.raises(errors.Invalid, match="is not a SHA-256"):
        layouts.read_layout(layout.root)


def test_links_are_made_renewed_and_missing_blobs_named(layout: Layout, tmp_path: Path) -> None:
    layout.add("a:1", layout.image([b"one"]))
    manifests = layouts.read_layout(layout.root)
    importer.Source(layout.root, tmp_path / "root", stays=True).place(manifests)
    blobs = tmp_path / "root/io.containerd.content.v1.content/blobs/sha256"
    assert len(list(blobs.iterdir())) == 3
    layer = hashlib.sha256(b"one").hexdigest()
    assert (blobs / layer).read_bytes() == b"one"
    moved = layout.root.rename(tmp_path / "moved")
    assert not (blobs / layer).exists()
    source = importer.Source(moved, tmp_path / "root", stays=True)
    source.place(manifests)
    assert (blobs / layer).read_bytes() == b"one"
    (blobs / layer).unlink()
    (moved / "blobs/sha256" / layer).unlink()
    with pytest.raises(FileNotFoundError, match="blob is missing"):
        source.place(manifests)


def mount(kind: str, source: str, *options: str) -> types_pb2.Mount:
    return types_pb2.Mount(type=kind, source=source, options=options)


@pytest.mark.parametrize(
    ("mounts", "folder"),
    [
        ([mount("bind", "/s/1/fs", "rw", "rbind")], "/s/1/fs"),
        ([mount("overlay", "overlay", "workdir=/s/2/work", "upperdir=/s/2/fs", "lowerdir=/s/1/fs")], "/s/2/fs"),
        ([mount("bind", "/s/1/fs", "ro", "rbind")], None),
        ([mount("overlay", "overlay", "lowerdir=/s/2/fs:/s/1/fs")], None),
        ([mount("ext4", "/dev/loop0", "rw")], None),
        ([], None),
    ],
)
def test_the_folder_of_a_new_snapshot(mounts: list[types_pb2.Mount], folder: str | None) -> None:
    assert importer.upper_folder(mounts) == (Path(folder) if folder else None)


def test_only_a_layout_that_stays_lends_its_unpacked_layers(layout: Layout, tmp_path: Path) -> None:
    layout.add("a:1", layout.image([b"one"]))
    layer = layouts.read_layout(layout.root)[0].layers[0]
    assert importer.Source(layout.root, tmp_path, stays=True).unpacked(layer) is None
    unpacked = layouts.layer_path(layout.root, layer.digest)
    unpacked.mkdir(parents=True)
    assert importer.Source(layout.root, tmp_path, stays=True).unpacked(layer) == unpacked
    assert importer.Source(layout.root, tmp_path, stays=False).unpacked(layer) is None
