"""Cases of our own in testdata: twenty configurations, patches with their results, and what each release generates."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from talos.base import errors
from talos.machinery.config import (
    container,
    contract,
    encoder,
    generate,
    inverse,
    loader,
    patcher,
    schema,
    secrets,
    validation,
)
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType

DATA = Path(__file__).parent / "testdata"
CONFIGS = sorted((DATA / "configs").glob("*.yaml"))
PATCHES = sorted((DATA / "patches").glob("*.txt"))


def load(path: Path) -> container.Container:
    return loader.load(path.read_bytes(), name=path.name)


def test_twenty_configurations_use_every_kind() -> None:
    assert len(CONFIGS) == 20
    kinds = {one.kind for path in CONFIGS for one in load(path).documents} | {schema.LEGACY}
    assert kinds == set(schema.kinds())


@pytest.mark.feature("F001", "F004", "F013")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configurations_are_valid_and_stable(path: Path) -> None:
    config = load(path)
    assert validation.check(config, validation.Mode.METAL)[0] == []
    assert config.encode() == path.read_bytes()
    body = path.read_bytes().partition(b"\n")[2]
    assert encoder.encode(config) == body
    assert encoder.encode(load(path).replace_source()) == body
    explained = encoder.encode(config, docs=True, examples=True)
    assert encoder.encode(loader.load(explained)) == body, "comments change nothing"


@pytest.mark.feature("F014")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_redacted_configurations_load_and_differ_by_secrets_only(path: Path) -> None:
    config = load(path)
    shown = loader.load(config.redacted().encode())
    assert [one.identity for one in shown.documents] == [one.identity for one in config.documents]
    assert b"PRIVATE KEY" not in shown.source
    assert shown.redacted().encode() == shown.encode()


@pytest.mark.feature("F020")
@pytest.mark.parametrize("number", range(len(CONFIGS)))
def test_patches_turn_each_configuration_into_the_next(number: int) -> None:
    old, new = load(CONFIGS[number]), load(CONFIGS[(number + 7) % len(CONFIGS)])
    assert inverse.same(patcher.patch(old, [inverse.between(old, new)]), new)


def sections(path: Path) -> list[tuple[str, str]]:
    """`=== config`, `=== patch` and `=== expected`, each with its text."""
    parts = re.split(r"^=== (\w+)\n", path.read_text(), flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.feature("F015", "F016", "F017", "F018")
@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_patches_give_what_is_expected(path: Path) -> None:
    found = sections(path)
    (_, base), (_, expected) = found[0], found[-1]
    patches = [text for name, text in found if name == "patch"]
    assert patcher.patch(loader.load(base.encode()), patches).encode().decode() == expected


@pytest.mark.feature("F019")
def test_a_json_patch_of_several_documents_and_a_missing_key_are_refused() -> None:
    several = dict(sections(DATA / "patches" / "documents.txt"))["config"].encode()
    for patch, words in (
        ('[{"op": "add", "path": "/machine/network/interfaces/0/addresses", "value": []}]', "single document"),
        (
            "machine: {network: {nameservers: {$patch: delete}, hostname: {$patch: delete}, kubespan: {mtu: 1, x: 2}}}",
            "x",
        ),
        ("machine: {kubelet: {image: {$patch: delete}}}", "lookup failed"),
    ):
        with pytest.raises(errors.Invalid, match=words):
            patcher.patch(loader.load(several), [patch])


def pair(name: str) -> pem.CertificateAndKey:
    return pem.CertificateAndKey(crt=f"{name} certificate".encode(), key=f"{name} key".encode())


SECRETS = secrets.Bundle(
    "Y2x1c3RlciBpZA==", "Y2x1c3RlciBzZWNyZXQ=", "abcdef.0123456789abcdef", "ghijkl.0123456789abcdef",
    pair("etcd"), pair("k8s"), pair("aggregator"), b"service account key", pair("os"), secretbox="c2VjcmV0Ym94",
)  # fmt: skip
RELEASES = [contract.Contract(1, minor) for minor in range(15)]


@pytest.mark.feature("F021", "F022")
@pytest.mark.parametrize("release", RELEASES, ids=str)
@pytest.mark.parametrize(
    ("kind", "name"), [(MachineType.CONTROL_PLANE, "controlplane"), (MachineType.WORKER, "worker")]
)
def test_each_release_gets_its_own_configuration(release: contract.Contract, kind: MachineType, name: str) -> None:
    made = SECRETS
    if release < contract.Contract(1, 3):
        made = dataclasses.replace(made, secretbox="", aescbc="YWVzY2Jj")
    wanted = generate.GenerateInput(
        "golden", "https://golden.example.com:6443", made, contract=release, kubernetes_version="v1.30.1",
        install_disk="/dev/vda", install_image="installer:v1", additional_sans=("extra",), sysctls={"a.b": "1"},
        registry_mirrors={"ghcr.io": ("https://mirror.example.com",)},
    )  # fmt: skip
    text = encoder.encode(generate.generate(wanted, kind))
    assert text.decode() == (DATA / "generated" / f"{release}-{name}.yaml").read_text()
    assert encoder.encode(loader.load(text)) == text
