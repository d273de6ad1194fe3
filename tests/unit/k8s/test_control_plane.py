"""Command lines, static pods and files of the control plane."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from talos.base import errors
from talos.k8s import apiserver_files, encode, flags, static_pods
from talos.machinery.resources.k8s import (
    admission_control_config,
    api_server_config,
    authorization_config,
    controller_manager_config,
    scheduler_config,
)
from talos.machinery.resources.secrets import kubernetes_root_secret

ROOT = kubernetes_root_secret.KubernetesRootSecret.Spec(
    issuer_url="https://10.5.0.2:6443", secretbox_encryption_secret="c2VjcmV0Ym94", aescbc_encryption_secret="YWVz"
)
API = api_server_config.APIServerConfig.Spec(
    image="registry.k8s.io/kube-apiserver:v1.37.2",
    control_plane_endpoint="https://10.5.0.2:6443",
    etcd_servers=("https://127.0.0.1:2379",),
    local_port=6443,
    service_cid_rs=("10.96.0.0/12",),
    advertised_address="$(POD_IP)",
)
MANAGER = controller_manager_config.ControllerManagerConfig.Spec(
    enabled=True,
    image="registry.k8s.io/kube-controller-manager:v1.37.2",
    pod_cid_rs=("10.244.0.0/16",),
    service_cid_rs=("10.96.0.0/12",),
    node_cidr_mask_size_i_pv4=24,
    node_cidr_mask_size_i_pv6=64,
)
SCHEDULER = scheduler_config.SchedulerConfig.Spec(enabled=True, image="registry.k8s.io/kube-scheduler:v1.37.2")
VERSIONS = static_pods.Versions("1", "2", "3")


def replace(spec: object, **changes: object) -> object:
    import msgspec

    return msgspec.structs.replace(spec, **changes)  # type: ignore[arg-type]


def value(args: list[str], flag: str) -> list[str]:
    return [a.partition("=")[2] for a in args if a.startswith(f"--{flag}=")]


# --- command lines


@pytest.mark.feature("M010", "E077")
def test_api_server_defaults() -> None:
    args = flags.api_server(API, ROOT)
    assert args[0] == "/usr/local/bin/kube-apiserver"
    secrets = "/system/secrets/kubernetes/kube-apiserver"
    expected = {
        "client-ca-file": f"{secrets}/ca.crt",
        "etcd-servers": "https://127.0.0.1:2379",
        "enable-admission-plugins": "NodeRestriction",
        "requestheader-client-ca-file": f"{secrets}/aggregator-ca.crt",
        "encryption-provider-config": f"{secrets}/encryptionconfig.yaml",
        "audit-log-path": "/var/log/audit/kube/kube-apiserver.log",
        "audit-policy-file": "/system/config/kubernetes/kube-apiserver/auditpolicy.yaml",
        "authorization-config": "/system/config/kubernetes/kube-apiserver/authorization-config.yaml",
        "anonymous-auth": "false",
        "advertise-address": "$(POD_IP)",
        "service-account-issuer": "https://10.5.0.2:6443",
        "api-audiences": "https://10.5.0.2:6443",
        "tls-min-version": "VersionTLS13",
        "profiling": "false",
    }
    assert {flag: value(args, flag) for flag in expected} == {flag: [v] for flag, v in expected.items()}
    assert args[1:] == sorted(args[1:])


def test_api_server_with_an_authentication_file_leaves_anonymous_access_to_it() -> None:
    args = flags.api_server(replace(API, use_authentication_config=True), ROOT)  # type: ignore[arg-type]
    assert value(args, "anonymous-auth") == []
    assert value(args, "authentication-config") == [
        "/system/config/kubernetes/kube-apiserver/authentication-config.yaml"
    ]


@pytest.mark.parametrize("flag", ["authorization-mode", "authorization-webhook-config-file"])
@pytest.mark.feature("M011")
def test_a_user_of_authorization_flags_gets_flags(flag: str) -> None:
    args = flags.api_server(replace(API, extra_args={flag: ("Webhook",)}), ROOT)  # type: ignore[arg-type]
    assert value(args, "authorization-config") == []
    assert value(args, "authorization-mode")[0].startswith("Node,RBAC")


@pytest.mark.feature("M011")
def test_extra_admission_plugins_come_on_top() -> None:
    extra = {"enable-admission-plugins": ("PodNodeSelector",), "v": ("2",)}
    args = flags.api_server(replace(API, extra_args=extra), ROOT)  # type: ignore[arg-type]
    assert value(args, "enable-admission-plugins") == ["NodeRestriction,PodNodeSelector"]
    assert value(args, "v") == ["2"]


@pytest.mark.parametrize("flag", ["etcd-servers", "tls-cert-file", "client-ca-file", "encryption-provider-config"])
@pytest.mark.feature("M011")
def test_protected_flags_of_the_api_server(flag: str) -> None:
    with pytest.raises(errors.Invalid, match=flag):
        flags.api_server(replace(API, extra_args={flag: ("x",)}), ROOT)  # type: ignore[arg-type]


def test_issuers_of_old_tokens_stay_accepted() -> None:
    root = replace(ROOT, accepted_issuers=("https://old:6443", "https://10.5.0.2:6443"), api_audiences=("a", "b"))
    args = flags.api_server(API, root)  # type: ignore[arg-type]
    assert value(args, "service-account-issuer") == ["https://10.5.0.2:6443", "https://old:6443"]
    assert value(args, "api-audiences") == ["a,b"]


@pytest.mark.parametrize(("image", "given"), [("x:v1.32.0", ["external"]), ("x:v1.37.2", [])])
@pytest.mark.feature("M027")
def test_the_cloud_provider_flag_went_away(image: str, given: list[str]) -> None:
    api = replace(API, image=image, cloud_provider="external")
    assert value(flags.api_server(api, ROOT), "cloud-provider") == given  # type: ignore[arg-type]


@pytest.mark.feature("M010", "M030", "E084")
def test_controller_manager() -> None:
    args = flags.controller_manager(MANAGER)
    assert value(args, "cluster-cidr") == ["10.244.0.0/16"]
    assert value(args, "cluster-signing-key-file") == ["/system/secrets/kubernetes/kube-controller-manager/ca.key"]
    assert value(args, "bind-address") == ["127.0.0.1"]
    assert value(args, "node-cidr-mask-size-ipv4") == ["24"]
    assert value(args, "node-cidr-mask-size-ipv6") == []
    more = flags.controller_manager(replace(MANAGER, extra_args={"controllers": ("-ttl",)}))  # type: ignore[arg-type]
    assert value(more, "controllers") == ["*,-ttl"]
    # Its start is not held up by its own rate limit, unless a user wants that.
    assert value(args, "kube-api-burst") == ["200"]
    less = flags.controller_manager(replace(MANAGER, extra_args={"kube-api-burst": ("30",)}))  # type: ignore[arg-type]
    assert value(less, "kube-api-burst") == ["30"]


@pytest.mark.feature("M030", "E086")
def test_scheduler_and_its_configuration() -> None:
    args = flags.scheduler(SCHEDULER)
    assert value(args, "config") == ["/system/config/kubernetes/kube-scheduler/scheduler-config.yaml"]
    user = {"profiles": [{"schedulerName": "x"}], "clientConnection": {"qps": 50, "kubeconfig": "/elsewhere"}}
    config = flags.scheduler_configuration(user)
    assert config["kind"] == "KubeSchedulerConfiguration"
    assert config["profiles"] == user["profiles"]
    connection = {"qps": 50, "kubeconfig": "/system/secrets/kubernetes/kube-scheduler/kubeconfig"}
    assert config["clientConnection"] == connection
    assert user["clientConnection"] == {"qps": 50, "kubeconfig": "/elsewhere"}


# --- static pods


@pytest.mark.parametrize(
    ("name", "user"), [("kube-apiserver", 65534), ("kube-controller-manager", 65535), ("kube-scheduler", 65536)]
)
@pytest.mark.feature("M010", "M012")
def test_pods_run_as_their_own_users(name: str, user: int) -> None:
    pods = {
        "kube-apiserver": static_pods.api_server(API, VERSIONS),
        "kube-controller-manager": static_pods.controller_manager(MANAGER, VERSIONS),
        "kube-scheduler": static_pods.scheduler(SCHEDULER, VERSIONS),
    }
    pod = pods[name]
    assert pod["metadata"]["name"] == name
    assert pod["metadata"]["annotations"] == {
        "talos.dev/secrets-version": "1",
        "talos.dev/config-version": "2",
        "talos.dev/config-file-version": "3",
    }
    assert pod["metadata"]["labels"]["app.kubernetes.io/version"] == "1.37.2"
    spec = pod["spec"]
    assert spec["securityContext"] == {"runAsNonRoot": True, "runAsUser": user, "runAsGroup": user}
    container = spec["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in spec["volumes"]}
    assert f"/system/secrets/kubernetes/{name}" in {m["mountPath"] for m in container["volumeMounts"]}


@pytest.mark.feature("M013")
def test_volumes_environment_and_resources_of_the_user() -> None:
    api = replace(
        API,
        extra_volumes=(api_server_config.ExtraVolume(name="x", host_path="/var/x", mount_path="/x", read_only=True),),
        environment_variables={"B": "cost $5", "A": "1"},
        resources=api_server_config.Resources(requests={"cpu": "1"}, limits={"memory": "1000Mi"}),
        startup_probes_enabled=True,
    )
    container = static_pods.api_server(api, VERSIONS)["spec"]["containers"][0]  # type: ignore[arg-type]
    assert {"name": "x", "mountPath": "/x", "readOnly": True} in container["volumeMounts"]
    names = [v["name"] for v in container["env"]]
    assert names == ["POD_IP", "A", "B", "GOMEMLIMIT"]
    assert container["env"][2]["value"] == "cost $$5"
    assert container["env"][3]["value"] == "996147200"
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": "512Mi"},
        "limits": {"memory": "1000Mi"},
    }
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"


@pytest.mark.parametrize("render", [static_pods.controller_manager, static_pods.scheduler])
def test_followers_are_asked_each_second_for_a_minute(render: Any) -> None:
    spec = MANAGER if render is static_pods.controller_manager else SCHEDULER
    probe = render(spec, VERSIONS)["spec"]["containers"][0]["startupProbe"]
    assert (probe["periodSeconds"], probe["failureThreshold"]) == (1, 60)


def test_a_bad_quantity_is_refused() -> None:
    api = replace(API, resources=api_server_config.Resources(requests={"memory": "lots"}))
    with pytest.raises(errors.Invalid, match="lots"):
        static_pods.api_server(api, VERSIONS)  # type: ignore[arg-type]


# --- files


@pytest.mark.feature("M029")
def test_pod_security_default() -> None:
    plugin = admission_control_config.AdmissionPluginSpec(
        name="PodSecurity", configuration=dict(apiserver_files.DEFAULT_POD_SECURITY)
    )
    rendered = apiserver_files.admission([plugin])
    assert rendered["kind"] == "AdmissionConfiguration"
    configuration = rendered["plugins"][0]["configuration"]
    assert configuration["defaults"]["enforce"] == "baseline"
    assert configuration["defaults"]["warn"] == configuration["defaults"]["audit"] == "restricted"
    assert configuration["exemptions"]["namespaces"] == ["kube-system"]


@pytest.mark.feature("M028")
def test_authorizers_keep_their_order() -> None:
    entries = [
        authorization_config.AuthorizationAuthorizersSpec(type="Node", name="node"),
        authorization_config.AuthorizationAuthorizersSpec(type="Webhook", name="w", webhook={"timeout": "3s"}),
        authorization_config.AuthorizationAuthorizersSpec(type="RBAC", name="rbac"),
    ]
    rendered = apiserver_files.authorization(entries)
    assert [a["type"] for a in rendered["authorizers"]] == ["Node", "Webhook", "RBAC"]
    assert rendered["authorizers"][1]["webhook"] == {"timeout": "3s"}
    assert "webhook" not in rendered["authorizers"][0]


@pytest.mark.feature("M028", "E090")
def test_secretbox_encrypts_and_older_providers_decrypt() -> None:
    rendered = apiserver_files.encryption(ROOT)
    providers = rendered["resources"][0]["providers"]
    assert [next(iter(p)) for p in providers] == ["secretbox", "aescbc", "identity"]
    assert rendered["resources"][0]["resources"] == ["secrets"]
    assert providers[0]["secretbox"]["keys"] == [{"name": "key2", "secret": "c2VjcmV0Ym94"}]


def test_an_encryption_document_wins() -> None:
    own = {"resources": [{"resources": ["configmaps"], "providers": [{"identity": {}}]}]}
    rendered = apiserver_files.encryption(replace(ROOT, etcd_encryption_config=own))  # type: ignore[arg-type]
    assert rendered["resources"] == own["resources"]
    assert rendered["kind"] == "EncryptionConfiguration"


def test_yaml_round_trip_keeps_types() -> None:
    value = {"a": "yes", "b": "1:30", "c": "0o14", "d": 1, "e": True, "f": None, "g": "x\ny\n", "h": "2020-01-01"}
    assert yaml.safe_load(encode.to_yaml(value)) == value


def test_objects_of_a_manifest() -> None:
    text = "---\n# nothing\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {day: 2020-01-01}\n"
    text += (
        "---\napiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n"
    )
    found = encode.objects(text)
    assert [o["metadata"]["name"] for o in found] == ["a", "b"]
    assert found[0]["data"]["day"] == "2020-01-01"
    with pytest.raises(errors.Invalid, match="not a Kubernetes object"):
        encode.objects("just: text", name="x")
    with pytest.raises(errors.Invalid, match="not YAML"):
        encode.objects("a: [", name="x")
