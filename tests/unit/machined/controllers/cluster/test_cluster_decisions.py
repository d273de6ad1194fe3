"""Pure parts of discovery: affiliates and their messages, merging, the identity file, the configuration."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from talos.base import errors
from talos.machined.controllers.cluster import _affiliates, _base62, config, node_identity
from talos.machined.controllers.cluster.local_affiliate import _passes
from talos.machinery.config import loader
from talos.machinery.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliateSpec
from talos.machinery.types.machine import MachineType

FULL = Affiliate.Spec(
    node_id="node",
    addresses=("10.5.0.2", "fd00::2"),
    hostname="cp-1.example.org",
    nodename="cp-1",
    operating_system="Talos (v1.14.0)",
    machine_type=MachineType.CONTROL_PLANE,
    kube_span=KubeSpanAffiliateSpec(
        public_key="key",
        address="fd50::1",
        additional_addresses=("10.244.0.0/24",),
        endpoints=("10.5.0.2:51820", "[fd00::2]:51820"),
        exclude_advertised_networks=("10.9.0.0/16",),
    ),
    control_plane=ControlPlane(api_server_port=6443),
)


@pytest.mark.feature("N005")
@pytest.mark.parametrize(
    "spec", [FULL, Affiliate.Spec(node_id="n", addresses=("10.5.0.3",), machine_type=MachineType.WORKER)]
)
def test_affiliates_survive_their_message(spec: Affiliate.Spec) -> None:
    endpoints = [_affiliates.endpoint_of(one) for one in spec.kube_span.endpoints]
    assert _affiliates.from_message(_affiliates.to_message(spec), endpoints) == spec


@pytest.mark.feature("N007", "E032")
def test_views_of_one_node_are_merged() -> None:
    first = Affiliate.Spec(node_id="node", addresses=("10.5.0.2",), hostname="old", machine_type=MachineType.WORKER)
    second = Affiliate.Spec(node_id="node", addresses=("10.5.0.9", "10.5.0.2"), nodename="cp-1")
    merged = _affiliates.merge(first, second)
    assert merged.addresses == ("10.5.0.2", "10.5.0.9")
    assert (merged.hostname, merged.nodename, merged.machine_type) == ("old", "cp-1", MachineType.WORKER)
    assert _affiliates.merge(second, FULL).control_plane == FULL.control_plane


@pytest.mark.feature("N004")
def test_the_identity_survives_a_restart_and_rubbish_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "node-identity.yaml"
    made = node_identity.load_or_make(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert node_identity.load_or_make(file) == made
    assert len(node_identity.machine_id(made)) == 32
    assert node_identity.machine_id(made) == _base62.decode(made)[:16].hex()
    file.write_text("nodeId: short\n")
    assert node_identity.load_or_make(file) != "short"
    file.write_text("")
    other = node_identity.load_or_make(file)
    assert node_identity.parse(f'nodeId: "{other}"\n') == other
    assert [one.name for one in tmp_path.iterdir()] == ["node-identity.yaml"]


def test_a_machine_id_needs_a_node_id() -> None:
    with pytest.raises(errors.Invalid, match="bytes"):
        node_identity.machine_id("abc")
    with pytest.raises(errors.Invalid, match="base62"):
        node_identity.machine_id("no-base62!")


ID = base64.urlsafe_b64encode(bytes(32)).decode()
SECRET = base64.b64encode(bytes(range(32))).decode()


HEAD = """
version: v1alpha1
machine: {type: worker}
cluster:
  controlPlane: {endpoint: "https://a:6443"}
"""
LEGACY = f"""{HEAD}
  id: {ID}
  secret: {SECRET}
"""
DOCUMENTS = f"""{HEAD}
---
apiVersion: v1alpha1
kind: DiscoveryIdentityConfig
clusterID: {ID}
clusterSecret: {SECRET}
---
apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: local
endpoint: http://10.5.0.1:3000
"""


@pytest.mark.feature("E033", "N003")
@pytest.mark.parametrize(
    ("text", "services"),
    [
        (LEGACY + "  discovery: {enabled: true}\n", [("default", "https://discovery.talos.dev/", False)]),
        (DOCUMENTS, [("local", "http://10.5.0.1:3000", True)]),
    ],
)
def test_discovery_configuration(text: str, services: list[tuple[str, str, bool]]) -> None:
    spec = config.spec(loader.load(text.encode()))
    assert spec.discovery_enabled
    assert spec.registry_service_enabled
    assert (spec.service_cluster_id, spec.service_encryption_key) == (ID, bytes(range(32)))
    assert [(one.name, one.endpoint, one.insecure) for one in spec.service_endpoints] == services


def test_no_discovery() -> None:
    spec = config.spec(loader.load((LEGACY + "  discovery: {enabled: false}\n").encode()))
    assert not spec.discovery_enabled
    assert spec.service_endpoints == ()


@pytest.mark.parametrize(
    ("address", "filters", "passes"),
    [
        ("10.5.0.2", (), True),
        ("10.5.0.2", ("10.0.0.0/8",), True),
        ("10.5.0.2", ("10.0.0.0/8", "!10.5.0.0/16"), False),
        ("10.5.0.2", ("!192.168.0.0/16",), True),
        ("fd00::2", ("0.0.0.0/0",), False),
    ],
)
def test_endpoint_filters(address: str, filters: tuple[str, ...], passes: bool) -> None:
    import ipaddress

    assert _passes(ipaddress.ip_address(address), filters) is passes
