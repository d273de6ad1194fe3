from __future__ import annotations

from pathlib import Path

import pytest

from talos.base import errors
from talos.base.constants import versions
from talos.imager import images, manifest

ROOT = Path(__file__).resolve().parents[3]


def _load(tmp_path: Path, text: str) -> dict[str, manifest.Component]:
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    return manifest.load(path)


def test_flags_are_stamped_with_the_version(tmp_path: Path) -> None:
    text = '[component.x]\nversion = "v1"\nprograms = { x = "." }\nstamp = ["a.b={version}"]\n'
    assert _load(tmp_path, text)["x"].ldflags() == "-s -w -buildid= -X a.b=v1"


def test_every_problem_is_reported(tmp_path: Path) -> None:
    with pytest.raises(errors.Invalid) as caught:
        _load(tmp_path, '[component.x]\nverison = "v1"\nprograms = { x = "." }\nlinks = { y = ["z"] }\n')
    assert {problem.path for problem in caught.value.problems} == {
        "component.x.verison",
        "component.x.version",
        "component.x.links",
    }


def test_the_checked_in_manifest_builds_the_versions_that_nodes_ask_for() -> None:
    components = manifest.load(ROOT / "components" / "manifest.toml")
    expected = {
        "kubernetes": versions.KUBERNETES,
        "etcd": versions.ETCD,
        "containerd": versions.CONTAINERD,
        "containerd-shim": versions.CONTAINERD,
        "runc": versions.RUNC,
        "coredns": versions.COREDNS,
        "flannel": versions.FLANNEL,
        "pause": versions.PAUSE,
    }
    assert {name: components[name].version for name in expected} == expected


@pytest.mark.parametrize("name", ["kubernetes", "etcd", "containerd", "runc", "coredns", "flannel", "cni"])
def test_manifest_and_go_mod_agree(name: str) -> None:
    component = manifest.load(ROOT / "components" / "manifest.toml")[name]
    assert f" {component.version}" in (ROOT / "components" / component.folder / "go.mod").read_text()


def test_every_program_of_an_image_is_built() -> None:
    components = manifest.load(ROOT / "components" / "manifest.toml").values()
    programs = {program for component in components for program in component.programs}
    wanted = {program for image in images.IMAGES for program in image.programs.values()}
    assert wanted | {image.base for image in images.IMAGES if image.base} <= programs
