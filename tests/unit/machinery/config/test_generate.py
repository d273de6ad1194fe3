"""Generated configurations, their views, redaction, and agreement with the original's."""

from __future__ import annotations

import dataclasses

import pytest

from talos.base import errors
from talos.machinery.config import container, contract, generate, loader, patcher, secrets, views
from talos.machinery.types.machine import MachineType
from tests import capabilities

from . import samples

KINDS = [MachineType.CONTROL_PLANE, MachineType.WORKER]


def load(kind: MachineType) -> container.Container:
    return loader.load(samples.CONTROL_PLANE if kind is MachineType.CONTROL_PLANE else samples.WORKER)


@pytest.mark.feature("F013", "F022")
@pytest.mark.parametrize("kind", KINDS)
def test_generated_configuration_reads_back_the_same(kind: MachineType) -> None:
    made = generate.generate(samples.INPUT, kind)
    assert loader.load(made.encode()) == made


@pytest.mark.needs_original_fixtures
@pytest.mark.feature("F021", "F022")
@pytest.mark.parametrize("version", ["v1.4", "v1.7", "v1.10", "v1.12", "v1.14"])
@pytest.mark.parametrize(("kind", "name"), [(KINDS[0], "controlplane"), (KINDS[1], "worker")])
def test_same_secrets_give_the_original_configuration_byte_for_byte(kind: MachineType, name: str, version: str) -> None:
    folder = capabilities.original_fixtures_dir() / "config/types/v1alpha1/testdata/stability"
    made = secrets.Bundle.load((folder / "secrets.yaml").read_bytes())
    release = contract.parse(version)
    base = generate.GenerateInput("base", "https://base:6443", made, contract=release, kubernetes_version="v1.28.0")
    assert generate.generate(base, kind).encode().decode() == (folder / version / f"base-{name}.yaml").read_text()
    wanted = dataclasses.replace(
        base,
        additional_sans=("foo", "bar"),
        install_disk="/dev/vda",
        install_extra_kernel_args=("foo=bar", "bar=baz"),
        registry_mirrors={"ghcr.io": ("https://ghcr.io.my-mirror.com",)},
        sysctls={"foo": "bar"},
        dns_domain="example.com",
        allow_scheduling_on_control_planes=True,
        cni_urls=("https://example.com/cni.yaml",),
        local_api_port=5443,
    )
    patch = folder / ("patch.yaml" if release == contract.CURRENT else "patch-pre14.yaml")
    patched = patcher.patch(generate.generate(wanted, kind), [patch.read_bytes()])
    assert patched.encode().decode() == (folder / version / f"overrides-{name}.yaml").read_text()


@pytest.mark.feature("F021")
@pytest.mark.parametrize("kind", KINDS)
def test_the_release_being_made_generates_what_the_current_one_does(kind: MachineType) -> None:
    newest = dataclasses.replace(samples.INPUT, contract=contract.parse("v1.15.0-alpha.1"))
    assert newest.contract == contract.NEWEST > contract.CURRENT
    assert generate.generate(newest, kind).encode() == generate.generate(samples.INPUT, kind).encode()
    for text in ("v1.16", "v0.14", "v2.0", "15", "v1"):
        with pytest.raises(errors.Invalid):
            contract.parse(text)


@pytest.mark.needs_original_fixtures
def test_every_configuration_of_the_original_loads() -> None:
    folder = capabilities.original_fixtures_dir() / "config/types"
    seen = 0
    for path in sorted(folder.rglob("*.yaml")):
        if path.name.startswith(("patch", "secrets")) or "strategic" in path.parts:
            continue
        loader.load(path.read_bytes(), name=path.name)
        seen += 1
    assert seen > 80


@pytest.mark.feature("F022")
def test_worker_carries_no_key_of_any_authority() -> None:
    text = samples.WORKER
    assert b"PRIVATE KEY" not in text
    assert views.machine(load(MachineType.WORKER)).ca.key == b""
    for secret in (samples.SECRETS.etcd.key, samples.SECRETS.os.key, samples.SECRETS.service_account):
        assert secret not in text
    assert samples.SECRETS.secretbox.encode() not in text


@pytest.mark.feature("F014")
@pytest.mark.parametrize("kind", KINDS)
def test_redaction_leaves_no_secret(kind: MachineType) -> None:
    import base64

    text = load(kind).redacted().encode()
    bundle = samples.SECRETS
    for secret in (bundle.trustd_token, bundle.bootstrap_token, bundle.cluster_secret, bundle.secretbox):
        assert secret.encode() not in text
    assert b"PRIVATE KEY" not in text
    for key in (bundle.os.key, bundle.etcd.key):
        assert base64.b64encode(key) not in text
    loader.load(text)


@pytest.mark.feature("F023")
def test_secrets_bundle_round_trip_and_errors() -> None:
    assert secrets.Bundle.load(samples.SECRETS.encode()) == samples.SECRETS
    with pytest.raises(errors.Invalid) as caught:
        secrets.Bundle.load(b"cluster: {id: x}\nsecrets: {bootstraptoken: nope}\n", name="s.yaml")
    found = {p.path for p in caught.value.problems}
    assert {"cluster.secret", "secrets.bootstraptoken", "trustdinfo.token", "certs.os.crt", "certs.etcd.key"} <= found


@pytest.mark.feature("F025")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("controlplane", MachineType.CONTROL_PLANE),
        ("init", MachineType.INIT),
        ("worker", MachineType.WORKER),
        ("join", MachineType.WORKER),
        ('""', MachineType.WORKER),
        ("cook", MachineType.UNKNOWN),
    ],
)
def test_machine_types_and_aliases(text: str, kind: MachineType) -> None:
    config = loader.load(f"version: v1alpha1\nmachine:\n  type: {text}\n".encode())
    assert views.machine(config).type is kind


LEGACY = b"""version: v1alpha1
machine:
  type: controlplane
  kubelet:
    image: k:v1
    nodeIP: {validSubnets: [10.0.0.0/8]}
    extraArgs: {v: "4"}
  network: {hostname: one, nameservers: [9.9.9.9]}
  features:
    kubePrism: {enabled: true, port: 7000}
    hostDNS: {enabled: true, forwardKubeDNSToHost: true}
  sysctls: {a.b: "1"}
cluster:
  clusterName: old
  id: i
  secret: s
  controlPlane: {endpoint: "https://1.2.3.4:443", localAPIServerPort: 7443}
  network: {dnsDomain: c.x, podSubnets: [10.1.0.0/16], serviceSubnets: [10.2.0.0/16], cni: {name: none}}
  proxy: {disabled: true}
  coreDNS: {disabled: true}
  secretboxEncryptionSecret: c2VjcmV0
  discovery: {enabled: true, registries: {kubernetes: {disabled: true}}}
"""
DOCUMENTS = b"""version: v1alpha1
machine: {type: controlplane}
---
{apiVersion: v1alpha1, kind: KubeletConfig, image: "k:v1", extraArgs: {v: "4"}}
---
{apiVersion: v1alpha1, kind: KubeNodeConfig, nodeIP: {validSubnets: [10.0.0.0/8]},
 labels: {node-role.kubernetes.io/control-plane: ""}, taints: {node-role.kubernetes.io/control-plane: NoSchedule}}
---
{apiVersion: v1alpha1, kind: HostnameConfig, hostname: one}
---
{apiVersion: v1alpha1, kind: ResolverConfig, nameservers: [{address: 9.9.9.9}],
 hostDNS: {enabled: true, forwardKubeDNSToHost: true}}
---
{apiVersion: v1alpha1, kind: KubePrismConfig, port: 7000}
---
{apiVersion: v1alpha1, kind: SysctlConfig, params: {a.b: "1"}}
---
{apiVersion: v1alpha1, kind: KubeClusterConfig, clusterName: old, endpoint: "https://1.2.3.4:443"}
---
{apiVersion: v1alpha1, kind: DiscoveryIdentityConfig, clusterID: i, clusterSecret: s}
---
{apiVersion: v1alpha1, kind: DiscoveryServiceConfig, name: default, endpoint: "https://discovery.talos.dev/"}
---
{apiVersion: v1alpha1, kind: KubeAPIServerConfig, image: "", apiPort: 7443}
---
{apiVersion: v1alpha1, kind: KubeNetworkConfig, dnsDomain: c.x, podSubnets: [10.1.0.0/16],
 serviceSubnets: [10.2.0.0/16]}
---
{apiVersion: v1alpha1, kind: KubeProxyConfig, enabled: false}
---
{apiVersion: v1alpha1, kind: KubeCoreDNSConfig, enabled: false}
---
{apiVersion: v1alpha1, kind: KubeEtcdEncryptionConfig, config: {resources: [{resources: [secrets],
 providers: [{secretbox: {keys: [{name: key2, secret: c2VjcmV0}]}}, {identity: {}}]}]}}
"""


@pytest.mark.feature("F006")
@pytest.mark.parametrize(
    "view",
    [
        views.machine, views.cluster, views.discovery, views.kubernetes_network, views.node, views.kube_prism,
        views.resolvers, views.host_dns, views.sysctls, views.core_dns, views.encryption_config, views.cni_name,
        lambda c: views.kubelet(c).image, lambda c: views.kubelet(c).extra_args, lambda c: views.hostname(c).name,
        lambda c: views.proxy(c).component.enabled, lambda c: views.api_server(c).port,
    ],
)  # fmt: skip
def test_documents_and_legacy_sections_mean_the_same(view) -> None:  # type: ignore[no-untyped-def]
    assert view(loader.load(DOCUMENTS)) == view(loader.load(LEGACY))
