"""Bootstrap manifests."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import yaml

from talos.base import errors
from talos.k8s import manifests
from talos.k8s.manifests import coredns, flannel, proxy
from talos.machinery.resources.k8s import api_server_config, bootstrap_manifests_config
from talos.machinery.resources.secrets import kubernetes_root_secret

Spec = bootstrap_manifests_config.BootstrapManifestsConfig.Spec
ROOT = kubernetes_root_secret.KubernetesRootSecret.Spec(
    bootstrap_token_id="abcdef", bootstrap_token_secret="0123456789abcdef"
)
SPEC = Spec(
    server="https://127.0.0.1:7445",
    cluster_domain="cluster.local",
    pod_cid_rs=("10.244.0.0/16",),
    proxy_enabled=True,
    proxy_image="registry.k8s.io/kube-proxy:v1.37.2",
    proxy_args=tuple(proxy.flags({}, "", ["10.244.0.0/16"])),
    core_dns_enabled=True,
    core_dns_image="registry.k8s.io/coredns/coredns:v1.15.0",
    dns_service_ip="10.96.0.10",
    flannel_enabled=True,
    flannel_image="ghcr.io/siderolabs/flannel:v0.28.10",
    flannel_backend_type="vxlan",
    flannel_backend_port=4789,
    flannel_kube_service_host="127.0.0.1",
    flannel_kube_service_port="7445",
)


def spec(**changes: Any) -> Spec:
    return msgspec.structs.replace(SPEC, **changes)


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [o for o in objects if o["kind"] == kind]
    return found


@pytest.mark.feature("M024", "E102")
def test_names_in_order() -> None:
    assert list(manifests.render(SPEC, ROOT)) == [
        "00-kubelet-bootstrapping-token",
        "01-csr-approver-role-binding",
        "01-csr-node-bootstrap",
        "01-csr-renewal-role-binding",
        "05-flannel",
        "10-kube-proxy",
        "11-core-dns",
        "11-core-dns-svc",
        "11-kube-config-in-cluster",
        "11-talos-node-rbac-template",
    ]


@pytest.mark.feature("M024")
def test_what_is_disabled_is_not_there() -> None:
    off = spec(flannel_enabled=False, proxy_enabled=False, core_dns_enabled=False, talos_api_service_enabled=True)
    found = manifests.render(off, ROOT)
    assert not {"05-flannel", "10-kube-proxy", "11-core-dns", "11-core-dns-svc"} & set(found)
    crd = found["13-talos-service-account-crd"][0]
    assert crd["metadata"]["name"] == "serviceaccounts.talos.dev"
    assert crd["spec"]["names"]["shortNames"] == ["tsa"]


def test_every_object_says_what_it_is() -> None:
    for objects in manifests.render(SPEC, ROOT).values():
        for obj in objects:
            assert obj["apiVersion"] and obj["kind"] and obj["metadata"]["name"]
            json.dumps(obj)


@pytest.mark.feature("M016")
def test_the_bootstrap_token_admits_nodes_only() -> None:
    (secret,) = manifests.render(SPEC, ROOT)["00-kubelet-bootstrapping-token"]
    assert secret["metadata"] == {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}
    assert secret["stringData"]["auth-extra-groups"] == "system:bootstrappers:nodes"
    assert secret["stringData"]["token-secret"] == "0123456789abcdef"
    assert "usage-bootstrap-signing" not in secret["stringData"]


@pytest.mark.feature("M031")
def test_flannel_network() -> None:
    assert flannel.network_configuration(SPEC) == {
        "Network": "10.244.0.0/16",
        "EnableNFTables": True,
        "Backend": {"Type": "vxlan", "Port": 4789},
    }
    dual = spec(pod_cid_rs=("10.244.0.0/16", "fd00::/56"), flannel_backend_mtu=1380)
    found = flannel.network_configuration(dual)
    assert (found["IPv6Network"], found["EnableIPv6"], found["Backend"]["MTU"]) == ("fd00::/56", True, 1380)
    assert flannel.network_configuration(spec(pod_cid_rs=("fd00::/56",)))["EnableIPv4"] is False


@pytest.mark.feature("M031")
def test_flannel_reaches_the_api_without_a_network() -> None:
    daemon = only(manifests.render(SPEC, ROOT)["05-flannel"], "DaemonSet")
    env = {v["name"]: v.get("value") for v in daemon["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert (env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"]) == ("127.0.0.1", "7445")
    assert daemon["spec"]["template"]["spec"]["hostNetwork"] is True


@pytest.mark.feature("M031")
def test_network_policies_are_a_second_container() -> None:
    daemon = only(flannel.render(spec(flannel_kube_network_policies_enabled=True)), "DaemonSet")
    names = [c["name"] for c in daemon["spec"]["template"]["spec"]["containers"]]
    assert names == ["kube-flannel", "kube-network-policies"]


@pytest.mark.feature("M030")
def test_kube_proxy_uses_nftables_by_default() -> None:
    assert "--proxy-mode=nftables" in proxy.flags({}, "", ["10.244.0.0/16"])
    assert "--proxy-mode=iptables" in proxy.flags({}, "iptables", ["10.244.0.0/16"])
    with pytest.raises(errors.Invalid, match="kubeconfig"):
        proxy.flags({"kubeconfig": ["/x"]}, "", [])


@pytest.mark.feature("M030")
def test_kube_proxy_with_a_file_rolls_when_it_changes() -> None:
    config = proxy.configuration({"conntrack": {"min": 5}, "mode": "iptables"}, "nftables", ["10.244.0.0/16"])
    assert config["mode"] == "iptables"
    assert config["conntrack"] == {"maxPerCore": 0, "min": 5}
    assert config["clientConnection"]["kubeconfig"] == "/etc/kubernetes/kubeconfig"
    with_file = spec(proxy_config=config, proxy_config_checksum=proxy.checksum(config))
    rendered = proxy.render(with_file)
    name = f"kube-proxy-config-{proxy.checksum(config)[:10]}"
    assert only(rendered, "ConfigMap")["metadata"]["name"] == name
    volumes = only(rendered, "DaemonSet")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "config", "configMap": {"name": name}} in volumes
    assert proxy.checksum({**config, "mode": "nftables"}) != proxy.checksum(config)


@pytest.mark.feature("M031")
def test_coredns() -> None:
    text = coredns.corefile("cluster.local")
    assert "kubernetes cluster.local in-addr.arpa ip6.arpa {" in text
    assert "disable denial cluster.local" in text
    assert "forward . /etc/resolv.conf" in text
    assert "disable" not in coredns.corefile("")
    deployment = only(manifests.render(SPEC, ROOT)["11-core-dns"], "Deployment")
    assert deployment["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("v4", "v6", "policy", "families"),
    [
        ("10.96.0.10", "", "SingleStack", ["IPv4"]),
        ("", "fd00::a", "SingleStack", ["IPv6"]),
        ("10.96.0.10", "fd00::a", "RequireDualStack", ["IPv4", "IPv6"]),
    ],
)
@pytest.mark.feature("M031")
def test_the_dns_service(v4: str, v6: str, policy: str, families: list[str]) -> None:
    service = coredns.service(spec(dns_service_ip=v4, dns_service_i_pv6=v6))["spec"]
    assert service["clusterIP"] == (v4 or v6)
    assert (service["ipFamilyPolicy"], service["ipFamilies"]) == (policy, families)


def test_add_ons_use_the_local_balancer() -> None:
    (config,) = manifests.render(SPEC, ROOT)["11-kube-config-in-cluster"]
    kubeconfig = yaml.safe_load(config["data"]["kubeconfig"])
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:7445"
    assert kubeconfig["users"][0]["user"]["tokenFile"].endswith("/serviceaccount/token")


def test_memory_limits_reach_go() -> None:
    limited = spec(flannel_resources=api_server_config.Resources(limits={"memory": "100Mi"}))
    daemon = only(flannel.render(limited), "DaemonSet")
    env = daemon["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "GOMEMLIMIT", "value": str(100 * 1024**2 * 95 // 100)} in env
