"""From the configuration to static pods: settings, files, pods, manifests."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from talos.base.constants import users
from talos.cosi import controller
from talos.k8s import static_pods
from talos.machined import image_cache
from talos.machined.controllers.etcd.config import ConfigController
from talos.machined.controllers.k8s import control_plane, control_plane_static_pod
from talos.machined.controllers.k8s.bootstrap_manifests import ControlPlaneBootstrapManifestsController
from talos.machined.controllers.k8s.control_plane_final import (
    ControlPlaneAPIServerFinalController,
    ControlPlaneControllerManagerFinalController,
    ControlPlaneSchedulerFinalController,
    final_id,
)
from talos.machined.controllers.k8s.control_plane_static_pod import ControlPlaneStaticPodController
from talos.machined.controllers.k8s.etcd_encryption_config import EtcdEncryptionConfigController
from talos.machined.controllers.k8s.extra_manifest import ExtraManifestController
from talos.machined.controllers.k8s.manifest import ManifestController
from talos.machined.controllers.k8s.render_config_static_pods import RenderConfigsStaticPodController
from talos.machined.controllers.k8s.render_secrets_static_pod import RenderSecretsStaticPodController
from talos.machined.controllers.k8s.static_pod_config import StaticPodConfigController
from talos.machined.controllers.secrets.etcd import EtcdController
from talos.machined.controllers.secrets.kubernetes import KubernetesController
from talos.machined.controllers.secrets.kubernetes_cert_sans import KubernetesCertSANsController
from talos.machined.controllers.secrets.kubernetes_dynamic_certs import KubernetesDynamicCertsController
from talos.machined.controllers.secrets.root_kubernetes import RootEtcdController, RootKubernetesController
from talos.machinery.resources.k8s import (
    admission_control_config,
    api_server_config,
    audit_policy_config,
    authentication_config,
    authorization_config,
    bootstrap_manifests_config,
    config_status,
    controller_manager_config,
    etcd_encryption_config,
    extra_manifests_config,
    manifest,
    scheduler_config,
    secret_status,
    static_pod,
)
from talos.machinery.resources.v1alpha1 import service
from talos.machinery.types.machine import MachineType
from talos.supervisor.containerd import client as containerd
from tests.unit.machined.controllers.cluster_node import ENDPOINT, changed, configure, made, node, source, there

API = api_server_config.APIServerConfig
MANAGER = controller_manager_config.ControllerManagerConfig
SCHEDULER = scheduler_config.SchedulerConfig


def settings() -> tuple[controller.Controller, ...]:
    return (
        control_plane.ControlPlaneAPIServerController(),
        control_plane.ControlPlaneControllerManagerController(),
        control_plane.ControlPlaneSchedulerController(),
        control_plane.ControlPlaneAdmissionControlController(),
        control_plane.ControlPlaneAuditPolicyController(),
        control_plane.ControlPlaneAuthenticationController(),
        control_plane.ControlPlaneAuthorizationController(),
        control_plane.ControlPlaneExtraManifestsController(),
        ControlPlaneBootstrapManifestsController(),
        ControlPlaneAPIServerFinalController(),
        ControlPlaneControllerManagerFinalController(),
        ControlPlaneSchedulerFinalController(),
        EtcdEncryptionConfigController(),
        ManifestController(),
    )


def imported() -> image_cache.ImageCache:
    found = image_cache.ImageCache(containerd.Client())
    found.pods.set()
    return found


def everything(root: Path) -> tuple[controller.Controller, ...]:
    nothing = root / "nothing"
    return (
        *settings(),
        ConfigController(),
        RootEtcdController(),
        RootKubernetesController(),
        KubernetesCertSANsController(),
        KubernetesController(nothing, nothing),
        KubernetesDynamicCertsController(nothing),
        EtcdController(nothing, nothing),
        RenderSecretsStaticPodController(root),
        RenderConfigsStaticPodController(root),
        ControlPlaneStaticPodController(imported()),
    )


def options(args: tuple[str, ...]) -> dict[str, str]:
    return {name.removeprefix("--"): value for name, _, value in (arg.partition("=") for arg in args[1:])}


@pytest.mark.feature("E076", "E083", "E087", "M030")
async def test_components_follow_the_configuration() -> None:
    config = changed(
        source(),
        KubeAPIServerConfig={
            "extraArgs": {"v": "4"},
            "env": {"GOGC": "50"},
            "resources": {"requests": {"cpu": "1"}},
        },
        KubeControllerManagerConfig={"extraArgs": {"v": "5"}},
        KubeSchedulerConfig={"config": {"profiles": [{"schedulerName": "mine"}]}},
    )
    async with node(*settings(), config=config) as (store, _):
        api = (await there(store, API, static_pods.API_SERVER)).spec
        manager = (await there(store, MANAGER, static_pods.CONTROLLER_MANAGER)).spec
        scheduler = (await there(store, SCHEDULER, static_pods.SCHEDULER)).spec
    assert (api.image, api.local_port) == ("registry.k8s.io/kube-apiserver:v1.37.2", 6443)
    assert api.control_plane_endpoint == ENDPOINT
    assert api.etcd_servers == ("https://127.0.0.1:2379",)
    assert dict(api.extra_args) == {"v": ("4",)}
    assert dict(api.environment_variables) == {"GOGC": "50"}
    assert dict(api.resources.requests) == {"cpu": "1"}
    assert api.advertised_address == "$(POD_IP)"
    assert dict(manager.extra_args) == {"v": ("5",)}
    assert (manager.pod_cid_rs, manager.service_cid_rs) == (("10.244.0.0/16",), ("10.96.0.0/12",))
    assert scheduler.config["profiles"] == [{"schedulerName": "mine"}]


@pytest.mark.feature("E076", "E083", "E087")
async def test_workers_have_no_control_plane() -> None:
    async with node(*settings(), config=source(MachineType.WORKER)) as (store, driven):
        await driven.wait_idle()
        for cls in (API, MANAGER, SCHEDULER, admission_control_config.AdmissionControlConfig, manifest.Manifest):
            assert not await store.list(cls), cls.__name__


@pytest.mark.feature("E077", "E084", "E086", "M011")
async def test_final_settings_have_the_whole_command_line(tmp_path: Path) -> None:
    config = changed(source(), KubeAPIServerConfig={"extraArgs": {"enable-admission-plugins": "AlwaysPullImages"}})
    async with node(*everything(tmp_path), config=config) as (store, _):
        api = (await there(store, API, final_id(static_pods.API_SERVER))).spec
        manager = (await there(store, MANAGER, final_id(static_pods.CONTROLLER_MANAGER))).spec
        scheduler = (await there(store, SCHEDULER, final_id(static_pods.SCHEDULER))).spec
    found = options(api.args)
    assert api.args[0] == "/usr/local/bin/kube-apiserver"
    assert found["service-account-issuer"] == ENDPOINT
    assert set(found["enable-admission-plugins"].split(",")) == {"NodeRestriction", "AlwaysPullImages"}
    assert not api.extra_args
    assert options(manager.args)["cluster-cidr"] == "10.244.0.0/16"
    assert options(scheduler.args)["config"].endswith("scheduler-config.yaml")
    assert scheduler.config["kind"] == "KubeSchedulerConfiguration"


@pytest.mark.feature("E083", "E087")
async def test_switched_off_components_stay_off(tmp_path: Path) -> None:
    off = {"enabled": False}
    config = changed(source(), KubeControllerManagerConfig=off, KubeSchedulerConfig=off)
    async with node(*everything(tmp_path), config=config) as (store, driven):
        await there(store, API, final_id(static_pods.API_SERVER))
        await driven.wait_idle()
        assert not (await store.get(MANAGER, final_id(static_pods.CONTROLLER_MANAGER))).spec.enabled
        assert not (await store.get(SCHEDULER, final_id(static_pods.SCHEDULER))).spec.enabled


@pytest.mark.feature("E078", "M029")
async def test_pod_security_is_on_unless_documents_say_otherwise() -> None:
    cls, id = admission_control_config.AdmissionControlConfig, admission_control_config.ADMISSION_CONTROL_CONFIG_ID
    async with node(*settings()) as (store, driven):
        (plugin,) = (await there(store, cls, id)).spec.config
        assert plugin.name == "PodSecurity"
        assert plugin.configuration["defaults"]["enforce"] == "baseline"
        assert plugin.configuration["exemptions"]["namespaces"] == ["kube-system"]
        await configure(store, changed(source(), KubeAdmissionControlConfig=None))
        await driven.wait_idle()
        assert not (await store.get(cls, id)).spec.config


@pytest.mark.feature("E079", "E080", "E081", "M028")
async def test_policies_of_the_api_server() -> None:
    rules = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "None"}]}
    config = changed(source(), KubeAuditPolicyConfig={"configuration": rules})
    async with node(*settings(), config=config) as (store, _):
        audit = (
            await there(store, audit_policy_config.AuditPolicyConfig, audit_policy_config.AUDIT_POLICY_CONFIG_ID)
        ).spec
        authentication = (
            await there(
                store,
                authentication_config.AuthenticationConfig,
                authentication_config.AUTHENTICATION_CONFIG_ID,
            )
        ).spec
        authorization = (
            await there(store, authorization_config.AuthorizationConfig, authorization_config.AUTHORIZATION_CONFIG_ID)
        ).spec
    assert audit.config["rules"] == [{"level": "None"}]
    assert authentication.config["kind"] == "AuthenticationConfiguration"
    paths = [c["path"] for c in authentication.config["anonymous"]["conditions"]]
    assert sorted(paths) == ["/healthz", "/livez", "/readyz"]
    assert [(a.type, a.name) for a in authorization.config] == [("Node", "node"), ("RBAC", "rbac")]


@pytest.mark.feature("E090", "M028")
async def test_secrets_are_to_be_encrypted(tmp_path: Path) -> None:
    async with node(*everything(tmp_path)) as (store, _):
        id = etcd_encryption_config.ETCD_ENCRYPTION_CONFIG_ID
        text = (await there(store, etcd_encryption_config.EtcdEncryptionConfig, id)).spec.configuration
    found = yaml.safe_load(text)
    assert found["kind"] == "EncryptionConfiguration"
    (first,) = found["resources"]
    assert first["resources"] == ["secrets"]
    assert first["providers"][0]["secretbox"]["keys"][0]["secret"] == made().secretbox


@pytest.mark.feature("E082", "E102", "M024")
async def test_bootstrap_manifests(tmp_path: Path) -> None:
    async with node(*everything(tmp_path)) as (store, driven):
        id = bootstrap_manifests_config.BOOTSTRAP_MANIFESTS_CONFIG_ID
        spec = (await there(store, bootstrap_manifests_config.BootstrapManifestsConfig, id)).spec
        await driven.wait_idle()
        objects = [item.object for m in await store.list(manifest.Manifest) for item in m.spec.items]
    assert spec.server == "https://127.0.0.1:7445"
    assert spec.dns_service_ip == "10.96.0.10"
    assert spec.flannel_enabled
    assert spec.proxy_enabled
    kinds = {(o["kind"], o["metadata"]["name"]) for o in objects}
    for wanted in (
        ("DaemonSet", "kube-flannel"), ("DaemonSet", "kube-proxy"), ("Deployment", "coredns"), ("Service", "kube-dns"),
        ("ClusterRoleBinding", "system-bootstrap-approve-node-client-csr"),
        ("ClusterRoleBinding", "system-bootstrap-node-renewal"),
    ):  # fmt: skip
        assert wanted in kinds
    tokens = [o for o in objects if o.get("type") == "bootstrap.kubernetes.io/token"]
    assert len(tokens) == 1


@pytest.mark.feature("E082")
async def test_addons_can_be_left_out(tmp_path: Path) -> None:
    off = {"enabled": False}
    config = changed(source(), KubeFlannelCNIConfig=None, KubeProxyConfig=off, KubeCoreDNSConfig=off)
    async with node(*everything(tmp_path), config=config) as (store, driven):
        await there(
            store,
            bootstrap_manifests_config.BootstrapManifestsConfig,
            bootstrap_manifests_config.BOOTSTRAP_MANIFESTS_CONFIG_ID,
        )
        await driven.wait_idle()
        objects = [item.object for m in await store.list(manifest.Manifest) for item in m.spec.items]
    assert not [o for o in objects if o["kind"] in ("DaemonSet", "Deployment")]


@pytest.mark.needs_root
@pytest.mark.feature("E112", "E113", "M010")
async def test_files_belong_to_the_users_of_the_components(tmp_path: Path) -> None:
    async with node(*everything(tmp_path)) as (store, driven):
        secrets = await there(store, secret_status.SecretStatus, secret_status.STATIC_POD_SECRETS_STATIC_POD_ID)
        configs = await there(store, config_status.ConfigStatus, config_status.CONFIG_STATUS_STATIC_POD_ID)
        await driven.wait_idle()
    assert secrets.spec.ready
    assert configs.spec.ready
    folders = {
        "system/secrets/kubernetes/kube-apiserver": (users.API_SERVER, {
            "ca.crt", "etcd-client-ca.crt", "etcd-client.crt", "etcd-client.key", "apiserver.crt", "apiserver.key",
            "apiserver-kubelet-client.crt", "apiserver-kubelet-client.key", "front-proxy-client.crt",
            "front-proxy-client.key", "aggregator-ca.crt", "service-account.key", "service-account.pub",
            "encryptionconfig.yaml"}),
        "system/secrets/kubernetes/kube-controller-manager": (
            users.CONTROLLER_MANAGER,
            {"ca.crt", "ca.key", "service-account.key", "kubeconfig", "client-ca.crt", "aggregator-ca.crt"}),
        "system/secrets/kubernetes/kube-scheduler": (
            users.SCHEDULER, {"kubeconfig", "client-ca.crt", "aggregator-ca.crt"}),
        "system/config/kubernetes/kube-apiserver": (users.API_SERVER, {
            "admission-control-config.yaml", "auditpolicy.yaml", "authorization-config.yaml",
            "authentication-config.yaml"}),
        "system/config/kubernetes/kube-scheduler": (users.SCHEDULER, {"scheduler-config.yaml"}),
    }  # fmt: skip
    for name, (user, files) in folders.items():
        folder = tmp_path / name
        assert {path.name for path in folder.iterdir()} == files
        for path in folder.iterdir():
            assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (user, 0o400), path
    audit = (tmp_path / "var/log/audit/kube").stat()
    assert (audit.st_uid, audit.st_mode & 0o777) == (users.API_SERVER, 0o700)
    public = tmp_path / "system/secrets/kubernetes/kube-apiserver/service-account.pub"
    assert b"PRIVATE KEY" not in public.read_bytes()


async def pods(store: Any, driven: Any) -> dict[str, Any]:
    await driven.wait_idle()
    return {one.id: one.spec.pod for one in await store.list(static_pod.StaticPod)}


@pytest.mark.needs_root
@pytest.mark.feature("E088", "M010", "M012")
async def test_pods_come_with_etcd_and_name_what_they_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    monkeypatch.setattr(control_plane_static_pod, "STARTED", started)
    async with node(*everything(tmp_path)) as (store, driven):
        assert await pods(store, driven) == {}
        await store.create(service.Service("etcd", service.Service.Spec(running=True)))
        assert set(await pods(store, driven)) == {"kube-apiserver"}
        # The others would only crash before the API server serves them; here nobody ever does.
        started.touch()
        await configure(store, changed(source(), KubeSchedulerConfig={"env": {"A": "b"}}))
        found = await pods(store, driven)
        assert set(found) == {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}
        for name, user in {
            "kube-apiserver": 65534, "kube-controller-manager": 65535, "kube-scheduler": 65536,
        }.items():  # fmt: skip
            assert found[name]["spec"]["securityContext"]["runAsUser"] == user
            assert found[name]["metadata"]["namespace"] == "kube-system"
        before = found["kube-apiserver"]["metadata"]["annotations"]
        assert set(before) >= {"talos.dev/secrets-version", "talos.dev/config-version", "talos.dev/config-file-version"}
        policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "None"}]}
        await configure(store, changed(source(), KubeAuditPolicyConfig={"configuration": policy}))
        after = (await pods(store, driven))["kube-apiserver"]["metadata"]["annotations"]
        assert after["talos.dev/config-file-version"] != before["talos.dev/config-file-version"]
        assert after["talos.dev/secrets-version"] == before["talos.dev/secrets-version"]


@pytest.mark.needs_root
@pytest.mark.feature("M012", "M039")
async def test_a_restarted_machined_serves_the_same_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_plane_static_pod, "STARTED", tmp_path)
    secrets = tmp_path / "system/secrets/kubernetes"
    found = []
    for _ in range(2):
        controllers = [
            *(c for c in everything(tmp_path) if not isinstance(
                c, KubernetesController | KubernetesDynamicCertsController | EtcdController)),
            KubernetesController(secrets / "kube-controller-manager", secrets / "kube-scheduler"),
            KubernetesDynamicCertsController(secrets / "kube-apiserver"),
            EtcdController(tmp_path / "none", secrets / "kube-apiserver"),
        ]  # fmt: skip
        async with node(*controllers) as (store, driven):
            await store.create(service.Service("etcd", service.Service.Spec(running=True)))
            found.append(await pods(store, driven))
    assert len(found[0]) == 3
    assert found[0] == found[1]


@pytest.mark.feature("E115", "M014")
async def test_static_pods_of_the_user() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}}
    config = changed(source(MachineType.WORKER), KubeStaticPodConfig={"name": "p", "pod": pod})
    async with node(StaticPodConfigController(), config=config) as (store, driven):
        await driven.wait_idle()
        assert {one.id: one.spec.pod for one in await store.list(static_pod.StaticPod)} == {"default-p": pod}


@contextlib.contextmanager
def http_server(folder: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{served.server_port}"
        finally:
            served.shutdown()


@pytest.mark.feature("E085", "E091", "M026")
async def test_inline_manifests_and_ones_from_elsewhere(tmp_path: Path) -> None:
    served = tmp_path / "remote.yaml"
    listed = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "far"}} for kind in ("ConfigMap", "Secret")]
    served.write_text(yaml.safe_dump_all(listed))
    with http_server(tmp_path) as base:
        config = changed(
            source(),
            KubeInlineManifestConfig={
                "name": "near", "manifest": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: near\n"},
            KubeExternalManifestConfig={"name": "far", "url": f"{base}/remote.yaml"},
        )  # fmt: skip
        controllers = (control_plane.ControlPlaneExtraManifestsController(), ExtraManifestController())
        async with node(*controllers, config=config) as (store, _):
            entries = (
                await there(
                    store, extra_manifests_config.ExtraManifestsConfig, extra_manifests_config.EXTRA_MANIFESTS_CONFIG_ID
                )
            ).spec.extra_manifests
            far = await there(store, manifest.Manifest, next(f"99-{e.name}" for e in entries if e.url))
            near = await there(store, manifest.Manifest, "99-near")
    assert [item.object["kind"] for item in far.spec.items] == ["ConfigMap", "Secret"]
    assert near.spec.items[0].object["metadata"]["name"] == "near"


@pytest.mark.feature("E091")
async def test_one_manifest_that_cannot_be_fetched_holds_up_no_other() -> None:
    inline = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: near}\n"
    config = changed(
        source(),
        KubeInlineManifestConfig={"name": "near", "manifest": inline},
        KubeExternalManifestConfig={"name": "far", "url": "http://127.0.0.1:1/x.yaml"},
    )
    controllers = (control_plane.ControlPlaneExtraManifestsController(), ExtraManifestController())
    async with node(*controllers, config=config) as (store, _):
        await there(store, manifest.Manifest, "99-near")
        assert [m.id for m in await store.list(manifest.Manifest)] == ["99-near"]
