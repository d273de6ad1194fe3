"""Patches: what the original's test inputs expect, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.base import errors
from talos.machinery.config import container, encoder, loader, patcher
from tests import capabilities

from . import samples

pytestmark = pytest.mark.feature("F016")


def patched(config: str, *patches: str) -> str:
    return patcher.patch(loader.load(config.encode()), list(patches)).encode().decode()


HEAD = "version: v1alpha1\nmachine:\n    type: worker\n    token: t\n    certSANs: []\n"


def test_scalars_win_unless_empty_and_false_always_wins() -> None:
    base = "version: v1alpha1\nmachine: {type: worker, token: t, features: {rbac: true}}\n"
    text = patched(base, "machine: {type: '', token: u, features: {rbac: false}}")
    assert text == HEAD.replace("token: t", "token: u") + "    features:\n        rbac: false\ncluster: null\n"


def test_lists_grow_but_items_that_mean_one_another_merge() -> None:
    base = (
        "version: v1alpha1\nmachine: {type: worker, token: t, network: {nameservers: [1.1.1.1],"
        " interfaces: [{interface: eth0, mtu: 1400}]}}\n"
    )
    patch = (
        "machine: {network: {nameservers: [8.8.8.8], interfaces: [{interface: eth0, dhcp: true}, {interface: eth1}]}}"
    )
    network = loader.load(patched(base, patch).encode()).v1alpha1.machine.network  # type: ignore[union-attr]
    assert network is not None
    assert network.nameservers == ("1.1.1.1", "8.8.8.8")
    assert [(i.interface, i.mtu, i.dhcp) for i in network.interfaces] == [("eth0", 1400, True), ("eth1", 0, None)]


def test_marked_lists_are_replaced() -> None:
    text = patched(
        "apiVersion: v1alpha1\nkind: KubeNetworkConfig\npodSubnets: [10.0.0.0/16]\nserviceSubnets: [10.1.0.0/16]\n",
        "apiVersion: v1alpha1\nkind: KubeNetworkConfig\npodSubnets: [10.9.0.0/16]\n",
    )
    assert "10.9.0.0/16" in text
    assert "10.0.0.0/16" not in text
    assert "10.1.0.0/16" in text


def test_foreign_data_merges_and_clashes_are_named() -> None:
    head = "apiVersion: v1alpha1\nkind: KubeletConfig\nimage: x\n"
    text = patched(head + "config: {a: {b: 1, l: [1]}}\n", head + "config: {a: {c: 2, l: [2]}}\n")
    assert loader.load(text.encode()).documents[0].config == {"a": {"b": 1, "c": 2, "l": [1, 2]}}  # type: ignore[attr-defined]
    with pytest.raises(errors.Invalid, match="can not be merged"):
        patched(head + "config: {a: {b: 1}}\n", head + "config: {a: [1]}\n")


@pytest.mark.feature("F015")
def test_what_a_patch_is(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text('[{"op": "add", "path": "/machine/certSANs", "value": ["foo.com"]}]')
    loaded = patcher.load_all([f"@{file}", "- {op: remove, path: /debug}", "machine: {token: x}"])
    assert [type(one) for one in loaded] == [patcher.JsonPatch, patcher.JsonPatch, patcher.StrategicPatch]
    for wrong in ("- 1", "[{op: add}]", "machine: {tken: x}", "just text", "", "---\n"):
        with pytest.raises(errors.Invalid):
            patcher.load(wrong)
    with pytest.raises(OSError, match="No such file"):
        patcher.load_all(["@/nowhere/p"])


@pytest.mark.feature("F019")
def test_json_patch_of_one_document_only() -> None:
    one = patched(HEAD, '[{"op": "replace", "path": "/machine/token", "value": "new"}]')
    assert "token: new" in one
    with pytest.raises(errors.Invalid, match="single document"):
        patched(samples.WORKER.decode(), '[{"op": "remove", "path": "/debug"}]')
    with pytest.raises(errors.Invalid, match="does not fit"):
        patched(HEAD, '[{"op": "remove", "path": "/nothing"}]')
    with pytest.raises(errors.Invalid, match=r"machine\.tok"):
        patched(HEAD, '[{"op": "add", "path": "/machine/tok", "value": "new"}]')


@pytest.mark.feature("F018")
def test_deletions() -> None:
    bundle = samples.WORKER.decode()
    gone = loader.load(patched(bundle, "apiVersion: v1alpha1\nkind: HostnameConfig\n$patch: delete\n").encode())
    assert "HostnameConfig" not in [d.kind for d in gone.documents]
    # Of a document that is not there.
    assert patched(HEAD, "apiVersion: v1alpha1\nkind: HostnameConfig\n$patch: delete\n") == HEAD + "cluster: null\n"
    for wrong, words in (
        ("machine: {network: {hostname: {$patch: delete}}}", "lookup failed"),
        ("machine: {nodeLabels: {a: {$patch: delete}}}", "lookup failed"),
        ("machine: {network: {$patch: replace}}", "only patch action"),
        ("$patch: delete\nmachine: {}\n", "can not be deleted"),
        ("kind: HostnameConfig\n$patch: delete\n", "together"),
        ("machine: {network: {interfaces: [{interface: a, vlans: [{vlanId: 1, $patch: delete}]}]}}", "inside a list"),
        ("machine: {network: {interfaces: [{interface: a, mtu: {$patch: delete}}]}}", "delete the item"),
        ("machine: {network: {interfaces: [{$patch: delete}]}}", "which item"),
    ):
        with pytest.raises(errors.Invalid, match=words):
            patched(HEAD, wrong)


# --- the original's inputs


def fixture(*parts: str) -> Path:
    return capabilities.original_fixtures_dir().joinpath("config", *parts)


def apply_files(base: Path, *patches: Path) -> str:
    loaded = patcher.load_all([f"@{path}" for path in patches])
    return patcher.patch(loader.load(base.read_bytes()), loaded).encode().decode()


@pytest.mark.needs_original_fixtures
@pytest.mark.parametrize(
    ("folder", "base", "patches", "expected"),
    [
        (
            "apply",
            "config.yaml",
            ["strategic1", "jsonpatch1", "jsonpatch2", "strategic2", "strategic3"],
            "expected.yaml",
        ),
        ("apply", "config.yaml", ["strategic4"], "expected_manifests.yaml"),
        ("auditpolicy", "config.yaml", ["patch1"], "expected.yaml"),
        ("multidoc", "config.yaml", ["strategic1", "strategic2", "strategic3"], "expected.yaml"),
        ("patchdelete", "config.yaml", ["strategic1"], "expected.yaml"),
        (
            "patchdelete",
            "controlplane_orig.yaml",
            ["strategic2", "strategic3", "strategic4"],
            "controlplane_expected.yaml",
        ),
        ("patchlink", "base.yaml", ["patch"], "expected.yaml"),
        ("patchmixed", "base.yaml", ["patch"], "expected.yaml"),
    ],
)
def test_the_originals_patches(folder: str, base: str, patches: list[str], expected: str) -> None:
    where = fixture("configpatcher", "testdata", folder)
    text = apply_files(where / base, *(where / f"{name}.yaml" for name in patches))
    assert text == (where / expected).read_text()


@pytest.mark.needs_original_fixtures
def test_the_originals_refusals() -> None:
    where = fixture("configpatcher", "testdata")
    with pytest.raises(errors.Invalid, match="single document"):
        apply_files(where / "multidoc/config.yaml", where / "multidoc/jsonpatch.yaml")
    with pytest.raises(errors.Invalid, match="lookup failed"):
        apply_files(where / "patchdeletemissing/config.yaml", where / "patchdeletemissing/strategic1.yaml")


@pytest.mark.needs_original_fixtures
@pytest.mark.parametrize("number", ["001", "002", "003"])
def test_the_originals_strategic_merges(number: str) -> None:
    where = fixture("types", "v1alpha1", "testdata", "strategic", number)
    merged = patcher.patch(loader.load((where / "left.yaml").read_bytes()), [(where / "right.yaml").read_bytes()])
    expected = loader.load((where / "expected.yaml").read_bytes())
    assert encoder.encode(merged) == encoder.encode(container.Container(expected.v1alpha1, expected.documents))
