"""KubeletConfiguration and the kubelet's command line."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talos.base import errors
from talos.k8s import kubelet
from talos.machinery.resources.k8s import kubelet_config

SPEC = kubelet_config.KubeletConfig.Spec(
    image="ghcr.io/siderolabs/kubelet:v1.37.2",
    cluster_dns=("10.96.0.10",),
    cluster_domain="cluster.local",
    static_pod_list_url="http://127.0.0.1:4000",
    default_runtime_seccomp_enabled=True,
    disable_manifests_directory=True,
)
HOST = kubelet.Host(control_plane=True, container=False, cgroup_v1=False)


def spec(**changes: Any) -> kubelet_config.KubeletConfig.Spec:
    return msgspec.structs.replace(SPEC, **changes)


def flag(args: list[str], name: str) -> list[str]:
    return [a.partition("=")[2] for a in args if a.startswith(f"--{name}=")]


@pytest.mark.feature("M016", "E095")
def test_required_fields() -> None:
    config = kubelet.configuration(SPEC, HOST)
    assert config["apiVersion"] == "kubelet.config.k8s.io/v1beta1"
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authentication"]["x509"] == {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}
    assert config["authorization"] == {"mode": "Webhook"}
    assert config["rotateCertificates"] is True
    assert config["seccompDefault"] is True
    assert config["protectKernelDefaults"] is True
    assert config["staticPodURL"] == "http://127.0.0.1:4000"
    assert "staticPodPath" not in config
    assert config["resolvConf"] == "/system/resolved/resolv.conf"
    assert config["shutdownGracePeriod"] == "30s"
    assert config["systemReserved"]["memory"] == "512Mi"


def test_a_worker_reserves_less() -> None:
    host = kubelet.Host(control_plane=False, container=False, cgroup_v1=False)
    assert kubelet.configuration(SPEC, host)["systemReserved"]["memory"] == "384Mi"


def test_the_manifests_directory_can_be_used() -> None:
    config = kubelet.configuration(spec(disable_manifests_directory=False), HOST)
    assert config["staticPodPath"] == "/etc/kubernetes/manifests"


@pytest.mark.feature("R012")
def test_a_container_cannot_insist_on_kernel_parameters() -> None:
    config = kubelet.configuration(SPEC, kubelet.Host(control_plane=True, container=True, cgroup_v1=False))
    assert config["protectKernelDefaults"] is False
    assert config["shutdownGracePeriod"] == "0s"


@pytest.mark.parametrize(
    ("v1", "image", "said"), [(True, "k:v1.37.2", True), (False, "k:v1.37.2", False), (True, "k:v1.30.1", False)]
)
def test_cgroup_v1_is_accepted_where_it_is_in_use(v1: bool, image: str, said: bool) -> None:
    host = kubelet.Host(control_plane=True, container=True, cgroup_v1=v1)
    assert ("failCgroupV1" in kubelet.configuration(spec(image=image), host)) is said


@pytest.mark.feature("M016")
def test_extra_configuration_overrides_defaults() -> None:
    extra = {"maxPods": 50, "systemReserved": {"cpu": "1"}, "featureGates": {"A": True}}
    config = kubelet.configuration(spec(extra_config=extra, enable_fs_quota_monitoring=True), HOST)
    assert config["maxPods"] == 50
    assert config["systemReserved"] == {"cpu": "1"}
    assert config["featureGates"] == {"A": True, "LocalStorageCapacityIsolationFSQuotaMonitoring": True}
    assert extra["featureGates"] == {"A": True}


@pytest.mark.feature("M016")
def test_protected_fields_are_all_named() -> None:
    with pytest.raises(errors.Invalid) as caught:
        kubelet.configuration(spec(extra_config={"port": 1, "authentication": {}, "maxPods": 2}), HOST)
    assert {p.path for p in caught.value.problems} == {"port", "authentication"}


@pytest.mark.feature("M016", "M020")
def test_the_node_registers_with_its_taints() -> None:
    given = spec(
        register_with_taints={"node-role.kubernetes.io/control-plane": "NoSchedule", "a": "b:NoExecute"},
        extra_config={"registerWithTaints": [{"key": "own", "effect": "NoSchedule"}]},
    )
    assert kubelet.configuration(given, HOST)["registerWithTaints"] == [
        {"key": "a", "value": "b", "effect": "NoExecute"},
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
        {"key": "own", "effect": "NoSchedule"},
    ]


@pytest.mark.feature("M019")
def test_a_kubelet_without_a_cluster() -> None:
    given = spec(skip_node_registration=True, register_with_taints={"a": "NoSchedule"})
    config = kubelet.configuration(given, HOST)
    assert config["authorization"] == {"mode": "AlwaysAllow"}
    assert config["authentication"]["webhook"] == {"enabled": False}
    assert "registerWithTaints" not in config
    assert flag(kubelet.command_line(given, "n", []), "kubeconfig") == []


@pytest.mark.feature("M016", "E095")
def test_command_line() -> None:
    args = kubelet.command_line(SPEC, "node-1", ["10.5.0.2", "fd00::2"])
    assert flag(args, "hostname-override") == ["node-1"]
    assert flag(args, "node-ip") == ["10.5.0.2,fd00::2"]
    assert flag(args, "bootstrap-kubeconfig") == ["/etc/kubernetes/bootstrap-kubeconfig"]
    assert flag(args, "cert-dir") == ["/var/lib/kubelet/pki"]
    assert flag(args, "cloud-provider") == []


@pytest.mark.feature("M016", "M027")
def test_command_line_of_the_user() -> None:
    given = spec(
        extra_args={"hostname-override": ("other",), "feature-gates": ("A=true",)},
        cloud_provider_external=True,
        credential_provider_config={"providers": []},
    )
    args = kubelet.command_line(given, "node-1", [])
    assert flag(args, "hostname-override") == ["other"]
    assert kubelet.expected_nodename(given, "node-1") == ""
    assert kubelet.expected_nodename(SPEC, "node-1") == "node-1"
    assert flag(args, "cloud-provider") == ["external"]
    assert flag(args, "image-credential-provider-bin-dir") == ["/usr/local/lib/kubelet/credentialproviders"]
    with pytest.raises(errors.Invalid, match="kubeconfig"):
        kubelet.command_line(spec(extra_args={"kubeconfig": ("/x",)}), "n", [])


@pytest.mark.parametrize(
    ("text", "expected"), [("NoSchedule", ("", "NoSchedule")), ("a:NoExecute", ("a", "NoExecute")), (":X", ("", "X"))]
)
def test_parse_taint(text: str, expected: tuple[str, str]) -> None:
    assert kubelet.parse_taint(text) == expected
