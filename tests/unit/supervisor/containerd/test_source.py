"""A layout on its way into the content store: with its blobs, or with layers that lie unpacked only."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.imager import oci
from talos.supervisor.containerd import importer

STORE = "io.containerd.content.v1.content/blobs/sha256"


def layout(folder: Path) -> tuple[oci.Layout, str]:
    """A layout with one image of one layer; and the digest of the layer."""
    made = oci.Layout(folder)
    layer = made.add_layer(lambda path: path.write_bytes(b"a layer"))  # type: ignore[arg-type,return-value]
    made.add_image("example.org/one:v1", [layer], oci.Runtime())
    made.finish()
    return made, str(layer["digest"]).removeprefix("sha256:")


def test_every_blob_becomes_a_link(tmp_path: Path) -> None:
    _, digest = layout(tmp_path / "images")
    source = importer.Source(tmp_path / "images", tmp_path / "root", stays=True)
    source.place(source.manifests)
    assert (tmp_path / "root" / STORE / digest).read_bytes() == b"a layer"
    assert len(list((tmp_path / "root" / STORE).iterdir())) == 3
    assert source.has_blob(source.manifests[0].layers[0])


def test_an_unpacked_layer_needs_no_blob(tmp_path: Path) -> None:
    _, digest = layout(tmp_path / "images")
    (tmp_path / "images/blobs/sha256" / digest).unlink()
    unpacked = tmp_path / "images/layers" / digest
    unpacked.mkdir(parents=True)
    source = importer.Source(tmp_path / "images", tmp_path / "root", stays=True)
    source.place(source.manifests)
    layer = source.manifests[0].layers[0]
    assert not source.has_blob(layer)
    assert source.unpacked(layer) == unpacked
    assert len(list((tmp_path / "root" / STORE).iterdir())) == 2


def test_a_layer_that_is_nowhere_is_an_error(tmp_path: Path) -> None:
    _, digest = layout(tmp_path / "images")
    (tmp_path / "images/blobs/sha256" / digest).unlink()
    source = importer.Source(tmp_path / "images", tmp_path / "root", stays=True)
    with pytest.raises(FileNotFoundError, match="missing in the layout"):
        source.place(source.manifests)
