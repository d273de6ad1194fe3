from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from talos.base.constants import versions
from talos.imager import images, oci, tarlayer


def _write(folder: Path) -> None:
    layout = oci.Layout(folder)
    shared = layout.add_layer(lambda path: tarlayer.write(path, {"/p": tarlayer.Entry(content=b"shared")}))
    for name in ("example.org/b:2", "example.org/a:1"):
        content = name.encode()
        own = layout.add_layer(lambda path, c=content: tarlayer.write(path, {"/n": tarlayer.Entry(content=c)}))
        layout.add_image(name, [shared, own], oci.Runtime(("/p",), "65535"))
    layout.finish()


def _blob(folder: Path, digest: str) -> bytes:
    return (folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def test_every_blob_is_what_its_name_says(tmp_path: Path) -> None:
    _write(tmp_path)
    for blob in (tmp_path / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name


def test_manifests_configs_and_layers_fit_together(tmp_path: Path) -> None:
    _write(tmp_path)
    index = json.loads((tmp_path / "index.json").read_text())
    assert [m["annotations"][oci.NAME_ANNOTATION] for m in index["manifests"]] == ["example.org/a:1", "example.org/b:2"]
    for entry in index["manifests"]:
        manifest = json.loads(_blob(tmp_path, entry["digest"]))
        config = json.loads(_blob(tmp_path, manifest["config"]["digest"]))
        assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
        assert config["config"]["Entrypoint"] == ["/p"] and config["config"]["User"] == "65535"
        assert all(layer["size"] == len(_blob(tmp_path, layer["digest"])) for layer in manifest["layers"])


def test_a_shared_layer_is_stored_once(tmp_path: Path) -> None:
    _write(tmp_path)
    # 1 shared + 2 own layers, 2 configs, 2 manifests
    assert len(list((tmp_path / "blobs/sha256").iterdir())) == 7


@pytest.mark.feature("J034")
def test_two_writers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        _write(tmp_path / name)
    one, two = ({p.relative_to(t): p.read_bytes() for p in t.rglob("*") if p.is_file()} for t in tmp_path.iterdir())
    assert one == two


def test_images_have_the_names_that_nodes_ask_for() -> None:
    wanted = {value for name, value in vars(versions).items() if name.startswith("IMAGE_")}
    assert wanted <= set(images.names().values())
