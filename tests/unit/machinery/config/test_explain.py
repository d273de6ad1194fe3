"""Explanations, the JSON schema and the reference pages: derived from the documents, they agree with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from talos.base import errors
from talos.machinery.config import _decode, container, encoder, explain, loader, reference, schema
from talos.machinery.config.v1alpha1 import example

from . import samples

ROOT = Path(__file__).parents[4]
SCHEMA = schema.whole()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KINDS = [kind for kind in schema.kinds() if kind != schema.LEGACY]


def refused(text: bytes) -> list[str]:
    return [error.message for document in yaml.safe_load_all(text) for error in VALIDATOR.iter_errors(document)]


@pytest.mark.feature("F033")
def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert len(SCHEMA["oneOf"]) == 90
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.feature("F033")
@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_takes_what_the_loader_takes_and_refuses_unknown_keys(kind: str) -> None:
    text = encoder.encode(container.Container(None, [schema.kinds()[kind].example()]))
    assert refused(text) == []
    assert refused(text + b"surprise: 1\n") != []
    for key, (_, _, annotation) in _decode.fields(schema.kinds()[kind]).items():
        properties = SCHEMA["$defs"][_definition(kind)]["properties"]
        assert properties[key]["description"]
        assert schema.words(annotation)


def _definition(kind: str) -> str:
    return next(name for name in SCHEMA["$defs"] if name.endswith(f".{kind}"))


@pytest.mark.feature("F033")
@pytest.mark.parametrize("text", [samples.CONTROL_PLANE, samples.WORKER])
def test_the_schema_takes_generated_configurations(text: bytes) -> None:
    assert refused(text) == []
    assert refused(text.replace(b"type: ", b"typ: ", 1)) != []


def test_the_schema_marks_what_documents_replace() -> None:
    machine = SCHEMA["$defs"]["v1alpha1.MachineConfig"]["properties"]
    assert machine["kubelet"]["deprecated"] is True
    assert "deprecated" not in machine["token"]
    for path, kind in schema.replaced().items():
        assert kind in KINDS
        assert any(key.path == path for key in schema.all_keys() if key.kind == schema.LEGACY), path


@pytest.mark.parametrize("key", schema.all_keys(), ids=lambda key: f"{key.kind}.{key.path}")
def test_every_key_is_explained(key: schema.Key) -> None:
    found = explain.find(f"{key.kind}.{key.path}")
    assert [(one.kind, one.path) for one in found] == [(key.kind, key.path)]
    assert found[0].about
    assert found[0].holds
    text = explain.text(found)
    assert key.path.rpartition(".")[2] in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_document_is_explained_with_an_example_that_loads(kind: str) -> None:
    found = explain.find(kind.lower())
    assert [one.kind for one in found] == [kind]
    assert loader.load(found[0].example.encode()).documents == (schema.kinds()[kind].example(),)
    assert [name for name, _ in found[0].keys] == list(_decode.fields(schema.kinds()[kind]))


def test_facts_about_keys() -> None:
    def one(key: str) -> explain.Explanation:
        found = explain.find(key)
        assert len(found) == 1
        return found[0]

    assert one("machine.kubelet.image").replaced_by == "KubeletConfig"
    assert one("machine.network.interfaces[0].mtu").path == "machine.network.interfaces[].mtu"
    assert one("WireguardConfig.privateKey").secret
    assert one("machine.ca").secret
    assert one("KubeSchedulerConfig.image").control_plane_only
    assert one("KubeNetworkConfig.podSubnets").patched == "a patch replaces it whole"
    assert one("machine.certSANs").patched == "a patch adds to it"
    assert one("machine.network.interfaces").patched == "a patch changes the items it names and adds others"
    assert one("VLANConfig.vlanID").example == "vlanID: 34\n"
    assert one("SysctlConfig.params").holds == "a mapping to text"
    assert "network.LinkConfigController" in one("VLANConfig.vlanID").readers
    assert {found.kind for found in explain.find("mtu")} > {"LinkConfig", "VLANConfig", "v1alpha1"}


def test_an_unknown_key_gets_a_proposal() -> None:
    for wrong, near in (("KubletConfig.image", "KubeletConfig.image"), ("machine.kublet", "machine.kubelet")):
        with pytest.raises(errors.NotFound, match=f"did you mean {near}"):
            explain.find(wrong)
    with pytest.raises(errors.NotFound):
        explain.find("....")


def test_the_example_of_v1alpha1_is_readable() -> None:
    for plane in (True, False):
        text = encoder.encode(container.Container(example.config(plane=plane)))
        assert loader.load(text).v1alpha1


def test_reference_pages_of_the_checkout_are_up_to_date() -> None:
    folder = ROOT / "docs" / "reference" / "configuration"
    pages: dict[str, Any] = reference.pages()
    assert {path.name for path in folder.glob("*.md")} == set(pages)
    for name, text in pages.items():
        assert (folder / name).read_text() == text, f"{name}: run `talosctl docs --config docs/reference`"
    stored = json.loads((folder / "config.schema.json").read_text())
    assert stored == SCHEMA, "config.schema.json: run `talosctl docs --config docs/reference`"


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_document_is_in_its_reference(kind: str) -> None:
    page = next(text for text in reference.pages().values() if f"\n## {kind}\n" in text)
    part = page.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    for key in _decode.fields(schema.kinds()[kind]):
        assert f"| `{key}` |" in part
