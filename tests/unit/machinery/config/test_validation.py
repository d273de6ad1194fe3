"""Validation: modes, warnings, documents beside v1alpha1, and rules over all documents."""

from __future__ import annotations

import dataclasses
import datetime
import types
import typing
from typing import Any

import msgspec
import pytest

from talos.base import errors
from talos.machinery.config import _decode, container, contract, document, generate, loader, v1alpha1, validation
from talos.machinery.config.documents import _generated_index
from talos.machinery.config.validation import Mode
from talos.machinery.types.machine import MachineType

from . import samples

KINDS = sorted(_generated_index.DOCUMENTS)
BOTH = [MachineType.CONTROL_PLANE, MachineType.WORKER]


def config(*documents: str, machine_type: MachineType = MachineType.WORKER) -> container.Container:
    text = samples.CONTROL_PLANE if machine_type is MachineType.CONTROL_PLANE else samples.WORKER
    return loader.load(b"---\n".join([text, *(d.encode() for d in documents)]), name="c.yaml")


def found(bundle: container.Container, mode: Mode = Mode.METAL) -> list[str]:
    return [str(problem) for problem in validation.check(bundle, mode)[0]]


def old(machine_type: MachineType, **changes: Any) -> container.Container:
    """A configuration of a release that says everything in v1alpha1."""
    wanted = dataclasses.replace(samples.INPUT, contract=contract.Contract(1, 12), install_disk="/dev/sda", **changes)
    return generate.generate(wanted, machine_type)


@pytest.mark.feature("F010")
@pytest.mark.parametrize("machine_type", BOTH)
@pytest.mark.parametrize("mode", list(Mode))
def test_generated_configurations_are_valid_in_every_mode(machine_type: MachineType, mode: Mode) -> None:
    for made in (config(machine_type=machine_type), old(machine_type)):
        assert validation.validate(made, mode, strict=True) == []


@pytest.mark.feature("F010")
def test_only_metal_asks_how_to_install() -> None:
    legacy = old(MachineType.WORKER).v1alpha1
    assert legacy is not None
    assert legacy.machine is not None
    without = msgspec.structs.replace(
        legacy, machine=msgspec.structs.replace(legacy.machine, install=v1alpha1.machine.InstallConfig())
    )
    problems = {mode: found(container.Container(without), mode) for mode in Mode}
    assert [mode for mode in Mode if problems[mode]] == [Mode.METAL]
    assert problems[Mode.METAL] == ["machine.install: disk or diskSelector has to be given"]


@pytest.mark.feature("F012")
@pytest.mark.parametrize("text", ["{}", "{enabled: true}", "{enabled: false, forwardKubeDNSToHost: false}"])
def test_a_container_needs_the_machines_resolver(text: str) -> None:
    bundle = loader.load(samples.WORKER)
    others = [one for one in bundle.documents if one.kind != "ResolverConfig"]
    resolver = loader.load(f"apiVersion: v1alpha1\nkind: ResolverConfig\nhostDNS: {text}\n".encode()).documents
    changed = container.Container(bundle.v1alpha1, [*others, *resolver])
    assert any("hostDNS" in problem for problem in found(changed, Mode.CONTAINER))
    assert found(changed, Mode.METAL) == []


@pytest.mark.feature("F012")
def test_encrypted_dns_needs_the_machines_resolver() -> None:
    server = "nameservers: [{address: 9.9.9.9, protocol: DoT, tlsServerName: dns.quad9.net}]"
    text = f"apiVersion: v1alpha1\nkind: ResolverConfig\n{server}\n"
    bundle = loader.load(samples.WORKER)
    others = [one for one in bundle.documents if one.kind != "ResolverConfig"]
    for more, wrong in (("", True), ("hostDNS: {enabled: true}\n", False)):
        documents = [*others, *loader.load((text + more).encode()).documents]
        problems = found(container.Container(bundle.v1alpha1, documents))
        assert any("DNS over TLS" in problem for problem in problems) == wrong


@pytest.mark.feature("F012")
def test_discovery_and_kubespan_need_the_clusters_identity() -> None:
    bundle = loader.load(samples.WORKER)
    span = loader.load(b"apiVersion: v1alpha1\nkind: KubeSpanConfig\nenabled: true\n").documents
    for gone, words in (
        ("DiscoveryIdentityConfig", ["discovery needs the cluster's id", "KubeSpan needs the cluster's id"]),
        ("DiscoveryServiceConfig", ["KubeSpan needs discovery"]),
        ("", []),
    ):
        left = [one for one in bundle.documents if one.kind != gone]
        problems = found(container.Container(bundle.v1alpha1, [*left, *span]))
        assert len(problems) == len(words)
        assert all(word in problem for word, problem in zip(words, problems, strict=True))


@pytest.mark.feature("F012")
def test_a_control_plane_encrypts_what_etcd_keeps() -> None:
    bundle = loader.load(samples.CONTROL_PLANE)
    left = [one for one in bundle.documents if one.kind != "KubeEtcdEncryptionConfig"]
    assert any("KubeEtcdEncryptionConfig" in p for p in found(container.Container(bundle.v1alpha1, left)))


CONTAINER = "apiVersion: v1alpha1\nkind: ContainerConfig\nname: {name}\nimage: a.example/b@sha256:{digest}\n{more}"


def one_container(name: str, *after: str) -> str:
    more = f"dependsOn: {{containers: [{', '.join(after)}]}}\n" if after else ""
    return CONTAINER.format(name=name, digest="0" * 64, more=more)


@pytest.mark.feature("F012")
@pytest.mark.parametrize(
    ("waits", "words"),
    [
        ({"a": (), "b": ("a",), "c": ("a", "b")}, ""),
        ({"a": ("b",), "b": ("c",), "c": ("a",)}, "containers wait for one another"),
        ({"a": (), "b": ("a", "c"), "c": ("b",)}, "containers wait for one another"),
        ({"a": ("nobody",)}, "'nobody', which is not configured"),
    ],
)
def test_containers_wait_in_an_order(waits: dict[str, tuple[str, ...]], words: str) -> None:
    problems = found(config(*(one_container(name, *after) for name, after in waits.items())))
    if words:
        assert len(problems) == 1
        assert words in problems[0]
    else:
        assert problems == []


# Documents of control planes --


def test_fourteen_kinds_are_for_control_planes() -> None:
    kinds = [kind for kind in KINDS if loader.document_class(kind).control_plane_only]  # type: ignore[union-attr]
    assert len(kinds) == 14


@pytest.mark.feature("F008")
@pytest.mark.parametrize("kind", KINDS)
def test_documents_of_control_planes_are_refused_elsewhere(kind: str) -> None:
    example = loader.document_class(kind).example()  # type: ignore[union-attr]
    bundle = loader.load(samples.WORKER)
    others = [one for one in bundle.documents if one.kind != kind]
    problems = found(container.Container(bundle.v1alpha1, [*others, example]))
    assert (f"{kind}: is for control planes only" in problems) == example.control_plane_only
    alone = found(container.Container(None, [example]))
    assert (f"{kind}: is for control planes only" in alone) == example.control_plane_only


# Names --


LINK = "apiVersion: v1alpha1\nkind: {kind}\nname: net0\n{more}"
LINKS = {
    "LinkConfig": "", "DummyLinkConfig": "", "BridgeConfig": "", "VLANConfig": "vlanID: 1\nparent: eth0\n",
    "BondConfig": "links: [eth1]\nbondMode: balance-rr\n", "VRFConfig": "table: 10\nlinks: [eth2]\n",
}  # fmt: skip


@pytest.mark.feature("F005")
@pytest.mark.parametrize("kind", sorted(set(LINKS) - {"DummyLinkConfig"}))
def test_links_share_their_names(kind: str) -> None:
    dummy = LINK.format(kind="DummyLinkConfig", more="")
    problems = found(config(dummy, LINK.format(kind=kind, more=LINKS[kind])))
    assert any("the name 'net0' is taken by DummyLinkConfig/net0" in problem for problem in problems)


@pytest.mark.feature("F005")
def test_other_end_of_a_veth_is_a_link_too() -> None:
    veth = "apiVersion: v1alpha1\nkind: VethConfig\nname: one\npeer: {name: net0}\n"
    problems = found(config(LINK.format(kind="DummyLinkConfig", more=""), veth))
    assert any("'net0' is taken" in problem for problem in problems)


# v1alpha1 beside documents --


def fabricated(annotation: Any) -> Any:
    """Something that is not empty, for a field."""
    bare, _, _ = _decode.split(annotation)
    origin = typing.get_origin(bare)
    if origin is tuple:
        return (fabricated(typing.get_args(bare)[0]),)
    if origin is dict or bare is dict:
        return {"k": fabricated(typing.get_args(bare)[1])}
    if origin in (types.UnionType, typing.Union):
        return "x"
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return bare()
    return {bool: True, int: 1, str: "x", bytes: b"x", datetime.timedelta: datetime.timedelta(seconds=1)}.get(bare, "x")


def with_key(section: Any, path: str) -> Any:
    """A copy of a section in which a dotted key is set."""
    key, _, rest = path.partition(".")
    kind: Any = type(section)
    attribute, _, annotation = _decode.fields(kind)[key]
    value = getattr(section, attribute)
    if rest:
        bare: Any = _decode.split(annotation)[0]
        value = with_key(value if value is not None else bare(), rest)
    else:
        value = fabricated(annotation)
    return msgspec.structs.replace(section, **{attribute: value})


LEGACY = [
    (kind, path) for kind in KINDS for path in loader.document_class(kind).legacy  # type: ignore[union-attr]
]  # fmt: skip


@pytest.mark.feature("F006")
@pytest.mark.parametrize(("kind", "path"), LEGACY)
def test_saying_it_twice_is_an_error(kind: str, path: str) -> None:
    example: document.Document = loader.document_class(kind).example()  # type: ignore[union-attr]
    empty = v1alpha1.Config(machine=v1alpha1.MachineConfig(), cluster=v1alpha1.ClusterConfig())
    assert example.conflicts(empty) == []
    twice = with_key(empty, path)
    assert path in example.conflicts(twice)
    problems = found(container.Container(twice, [example]))
    assert any(problem.startswith(f"{example.title}: v1alpha1 says the same in") for problem in problems)


# Places, warnings, strictness --


@pytest.mark.feature("F009")
def test_problems_carry_their_place_in_the_file() -> None:
    text = (
        "version: v1alpha1\nmachine:\n    type: cook\n    ca: {crt: aGk=}\n"
        "    nodeLabels:\n        good: x\n        bad key: y\n"
        "---\napiVersion: v1alpha1\nkind: VLANConfig\nname: net0\nvlanID: 5000\n"
    )
    problems = found(loader.load(text.encode(), name="c.yaml"))
    assert "c.yaml:3:5: machine.type: expected controlplane or worker, got 'cook'" in problems
    assert any(p.startswith("c.yaml:7:9: machine.nodeLabels") for p in problems)
    assert any(p.startswith("c.yaml:12:1: VLANConfig/net0 vlanID") for p in problems)
    assert any(p.startswith("c.yaml:9:1: VLANConfig/net0 parent") for p in problems)


@pytest.mark.feature("F009")
def test_strict_makes_warnings_errors() -> None:
    bundle = loader.load(samples.WORKER.replace(b"type: worker", b"type: join"), name="c.yaml")
    warnings = validation.validate(bundle, Mode.CLOUD)
    assert warnings == ["c.yaml:5:5: machine.type: use 'worker' instead of 'join'"]
    with pytest.raises(errors.Invalid, match="use 'worker'"):
        validation.validate(bundle, Mode.CLOUD, strict=True)


@pytest.mark.feature("F139")
def test_persist_can_not_be_switched_off() -> None:
    bundle = loader.load(samples.WORKER.replace(b"persist: true", b"persist: false"))
    assert any("persist" in problem for problem in found(bundle))


def test_nothing_to_check_is_nothing_wrong() -> None:
    assert validation.check(container.Container(None), Mode.METAL) == ([], [])
