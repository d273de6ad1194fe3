"""Runs inside a box: real etcd and kube-apiserver from rendered pods, and the controllers that work against them.

Prints one JSON object with what was seen; the test outside judges it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.base.constants import paths, users
from talos.cosi import inmem, state
from talos.k8s import client as kubernetes
from talos.k8s.etcd import client as etcd
from talos.k8s.etcd import command
from talos.machined.controllers.etcd.advertised_peer import AdvertisedPeerController
from talos.machined.controllers.etcd.member import MemberController
from talos.machined.controllers.etcd.pki import PKIController
from talos.machined.controllers.etcd.spec import SpecController
from talos.machined.controllers.k8s import _kubelet_files, _serving
from talos.machined.controllers.k8s.endpoint import EndpointController
from talos.machined.controllers.k8s.kubelet_kubeconfig import KubeletKubeconfigController
from talos.machined.controllers.k8s.kubelet_serving_csr import KubeletServingCSRController
from talos.machined.controllers.k8s.manifest_apply import ManifestApplyController
from talos.machined.controllers.k8s.node_apply import NodeApplyController
from talos.machined.controllers.k8s.node_specs import (
    NodeAnnotationSpecController,
    NodeLabelSpecController,
    NodeTaintSpecController,
)
from talos.machined.controllers.k8s.node_status import NodeStatusController
from talos.machined.controllers.k8s.nodename import NodenameController
from talos.machinery.resources.etcd import etcd_member, etcd_spec, pki_status
from talos.machinery.resources.k8s import endpoint, manifest, manifest_status, node_status, static_pod
from talos.machinery.resources.secrets import kubelet_secret, kubernetes_secret
from talos.machinery.resources.v1alpha1 import service
from talos.machinery.types import pem
from talos.pki import x509
from tests.unit.machined.controllers.cluster_node import changed, configure, made, node, source, there
from tests.unit.machined.controllers.k8s.test_control_plane_controllers import everything

ADDRESS = "10.5.0.2"
ETCD = "/programs/etcd/usr/local/bin/etcd"
API_SERVER = "/programs/kube-apiserver/usr/local/bin/kube-apiserver"
BOOTSTRAP_URL = "https://localhost:6443"
seen: dict[str, Any] = {}


async def until(condition: Callable[[], Awaitable[Any]], timeout_s: float = 30.0) -> Any:
    """Wait until the condition gives something true."""
    last: object = None
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                if value := await condition():
                    return value
            except (errors.TalosError, OSError, EOFError) as error:
                last = error
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                print(f"waited in vain; last: {last!r}", flush=True)
                raise


async def start_etcd(store: inmem.InMemory) -> subprocess.Popen[bytes]:
    await there(store, pki_status.PKIStatus, pki_status.PKI_ID)
    spec = (await there(store, etcd_spec.EtcdSpec, etcd_spec.SPEC_ID)).spec
    paths.ETCD_DATA.mkdir(parents=True)
    os.chown(paths.ETCD_DATA, users.ETCD, users.ETCD)
    paths.ETCD_DATA.chmod(0o700)
    peers = command.peer_urls(spec.advertised_addresses)
    where = command.Node(spec.name, spec.advertised_addresses, spec.listen_peer_addresses, spec.listen_client_addresses)
    argv = command.command_line(
        where, command.Start.NEW, command.initial_cluster([(spec.name, peers)]), spec.extra_args
    )
    started = subprocess.Popen([ETCD, *argv[1:]], user=users.ETCD, group=users.ETCD, stderr=subprocess.DEVNULL)
    await store.create(service.Service("etcd", service.Service.Spec(running=True)))

    async def answers() -> bool:
        async with etcd.Client.local() as client:
            await client.check_quorum()
        return True

    await until(answers)
    current = await store.get(service.Service, "etcd")
    await store.update(current.with_spec(service.Service.Spec(running=True, healthy=True)))
    return started


def start_api_server(pod: dict[str, Any]) -> subprocess.Popen[bytes]:
    container = pod["spec"]["containers"][0]
    argv = [word.replace("$(POD_IP)", ADDRESS) for word in container["command"]]
    user = pod["spec"]["securityContext"]["runAsUser"]
    with Path("/out/kube-apiserver.log").open("ab") as log:
        return subprocess.Popen([API_SERVER, *argv[1:]], user=user, group=user, stdout=log, stderr=log)


async def manifests(store: inmem.InMemory, admin: kubernetes.Client) -> None:
    applied = await state.wait_for(
        store,
        manifest_status.ManifestStatus,
        manifest_status.MANIFEST_STATUS_ID,
        lambda one: one is not None,
        timeout_s=60,
    )
    assert applied is not None
    seen["applied"] = list(applied.spec.manifests_applied)
    coredns = await admin.get(kubernetes.Kind("/apis/apps/v1", "deployments", True), "coredns", "kube-system")
    seen["field_managers"] = [entry["manager"] for entry in coredns["metadata"]["managedFields"]]
    seen["inventory"] = sorted(
        (await admin.get(kubernetes.CONFIG_MAPS, "talos-bootstrap-manifests-inventory", "kube-system"))["data"]
    )
    # What an administrator changes or removes stays as it is, also when something new has to be applied.
    maps = await admin.get(kubernetes.CONFIG_MAPS, "coredns", "kube-system")
    maps["data"]["Corefile"] = "changed"
    await admin.replace(kubernetes.CONFIG_MAPS, maps)
    await admin.delete(kubernetes.SERVICES, "kube-dns", "kube-system")
    extra = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "default"}}
    await store.create(
        manifest.Manifest("99-late", manifest.Manifest.Spec(items=(manifest.SingleManifest(object=extra),)))
    )
    await until(lambda: admin.get(kubernetes.CONFIG_MAPS, "late", "default"))
    seen["kept_change"] = (await admin.get(kubernetes.CONFIG_MAPS, "coredns", "kube-system"))["data"]["Corefile"]
    try:
        await admin.get(kubernetes.SERVICES, "kube-dns", "kube-system")
        seen["removed_stays_removed"] = False
    except errors.NotFound:
        seen["removed_stays_removed"] = True


async def members(store: inmem.InMemory) -> None:
    member = await there(store, etcd_member.EtcdMember, etcd_member.LOCAL_MEMBER_ID)
    async with etcd.Client.local() as client:
        (mine,) = await client.members()
        seen["member_id"] = [member.spec.member_id, mine.hex_id]
        await client.update_peer_urls(mine.id, ["https://10.9.9.9:2380"])
        current = await store.get(service.Service, "etcd")
        for healthy in (False, True):
            current = await store.update(current.with_spec(service.Service.Spec(running=True, healthy=healthy)))

        async def repaired() -> list[str]:
            found = list((await client.members())[0].peer_urls)
            return found if "10.9.9.9" not in found[0] else []

        seen["peer_urls"] = await until(repaired)
    seen["election"] = await election()


async def election() -> list[str]:
    """Two candidates; the first one falls silent without a word, then the second one steps down."""
    told: list[str] = []

    async def candidate(name: str, may_end: asyncio.Event) -> None:
        async with etcd.Client.local() as client, client.lead("talos:v1:vip:election:test", ttl_s=2) as lost:
            told.append(name)
            await asyncio.wait({lost, asyncio.ensure_future(may_end.wait())}, return_when=asyncio.FIRST_COMPLETED)
            told.append(f"{name} {'lost' if lost.done() else 'left'}")

    ends = [asyncio.Event() for _ in range(2)]
    first = asyncio.ensure_future(candidate("a", ends[0]))
    async with asyncio.timeout(30):
        while not told:
            await asyncio.sleep(0.02)
        second = asyncio.ensure_future(candidate("b", ends[1]))
        await asyncio.sleep(3.0)
        told.append("kept")
        ends[0].set()
        await first
        while "b" not in told:
            await asyncio.sleep(0.02)
        # Renewals are not answered any more: the leader has to notice by itself.
        alive, etcd.Client._keep_leading = etcd.Client._keep_leading, _silent  # type: ignore[method-assign]
        third = asyncio.ensure_future(candidate("c", asyncio.Event()))
        ends[1].set()
        await second
        with contextlib.suppress(errors.TalosError):
            await third
        etcd.Client._keep_leading = alive  # type: ignore[method-assign]
    return told


async def _silent(self: etcd.Client, lease: int, ttl_s: int, asked: float) -> None:
    await asyncio.sleep(max(0.0, asked + ttl_s - asyncio.get_running_loop().time()))


async def as_kubelet(admin: kubernetes.Client) -> kubernetes.Client:
    """Give the node's kubelet its files, and register the node as the kubelet would."""
    secret = kubelet_secret.KubeletSecret.Spec(
        endpoint=BOOTSTRAP_URL, accepted_c_as=(pem.Certificate(crt=made().k8s.crt),)
    )
    places = _kubelet_files.Places()
    _kubelet_files.issue(places, "cp-1", made().k8s)
    paths.KUBERNETES_CONFIG.mkdir(parents=True, exist_ok=True)
    _kubelet_files.follow_endpoint(places, secret)
    kubelet = kubernetes.Client.from_kubeconfig(places.kubeconfig.read_text())
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "cp-1", "labels": {"kubernetes.io/hostname": "cp-1"}},
    }
    await kubelet.request("POST", kubernetes.NODES.path(), body=body)
    addresses = [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": "cp-1"}]
    ready = {
        "type": "Ready",
        "status": "True",
        "lastHeartbeatTime": "2026-01-01T00:00:00Z",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    await kubelet.patch(
        kubernetes.NODES, "cp-1", {"status": {"addresses": addresses, "conditions": [ready]}}, subresource="status"
    )
    return kubelet


async def nodes(store: inmem.InMemory, admin: kubernetes.Client) -> None:
    async def labelled() -> dict[str, Any] | None:
        found = await admin.get(kubernetes.NODES, "cp-1")
        return found if "rack" in found["metadata"]["labels"] else None

    found = await until(labelled)
    seen["labels"] = found["metadata"]["labels"]
    seen["taints"] = [(t["key"], t["effect"]) for t in found["spec"].get("taints", ())]
    seen["owned"] = json.loads(found["metadata"]["annotations"]["talos.dev/owned-labels"])

    def settled(one: node_status.NodeStatus | None) -> bool:
        return one is not None and one.spec.node_ready and one.spec.labels.get("rack") == "r1"

    await state.wait_for(store, node_status.NodeStatus, "cp-1", settled, timeout_s=20)
    seen["node_ready"] = True
    await admin.patch(kubernetes.NODES, "cp-1", {"metadata": {"labels": {"mine": "yes"}}})
    await configure(store, changed(source(), KubeNodeConfig={"labels": {}, "taints": {}}))

    async def unlabelled() -> dict[str, Any] | None:
        found = await admin.get(kubernetes.NODES, "cp-1")
        return found if "rack" not in found["metadata"]["labels"] else None

    found = await until(unlabelled)
    seen["labels_after"] = found["metadata"]["labels"]


async def serving(admin: kubernetes.Client, kubelet: kubernetes.Client) -> None:
    async def ask(name: str, address: str) -> None:
        subject = x509.Subject("system:node:cp-1", ("system:nodes",), ("cp-1",), (address,))
        csr = x509.make_request(x509.new_ecdsa_key(), subject)
        spec = {
            "request": base64.b64encode(csr).decode(), "signerName": _serving.SIGNER,
            "usages": ["digital signature", "server auth"],
        }  # fmt: skip
        kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
        await kubelet.request(
            "POST", kubernetes.CERTIFICATE_REQUESTS.path(), body={**kind, "metadata": {"name": name}, "spec": spec}
        )

    await ask("foreign", "10.5.0.99")
    await ask("own", ADDRESS)

    async def conditions(name: str) -> list[str]:
        found = await admin.get(kubernetes.CERTIFICATE_REQUESTS, name)
        return [c["type"] for c in found.get("status", {}).get("conditions", ())]

    seen["own_csr"] = await until(lambda: conditions("own"))
    seen["foreign_csr"] = await conditions("foreign")


async def policies(admin: kubernetes.Client) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden"}, "stringData": {"word": "swordfish"}}
    await admin.request("POST", kubernetes.SECRETS.path(namespace="default"), body=body)
    async with etcd.Client.local() as client:
        stored = await client.get(b"/registry/secrets/default/hidden") or b""
    seen["stored_secret"] = [stored[:24].decode(errors="replace"), b"swordfish" in stored]
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"},
        "spec": {"containers": [{"name": "c", "image": "x", "securityContext": {"privileged": True}}]},
    }  # fmt: skip
    answers: dict[str, str] = {}
    pods = kubernetes.Kind("/api/v1", "pods", True)
    accounts = kubernetes.Kind("/api/v1", "serviceaccounts", True)
    for namespace in ("default", "kube-system"):
        # The controller manager, which is not here, would have made it.
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await admin.request("POST", accounts.path(namespace=namespace), body=account)
        try:
            await admin.request("POST", pods.path(namespace=namespace), body=pod)
            answers[namespace] = "created"
        except errors.Denied as refused:
            answers[namespace] = str(refused)
        except errors.TalosError as refused:
            answers[namespace] = f"{type(refused).__name__}: {refused}"
    seen["privileged_pod"] = answers
    seen["anonymous"] = {
        path: await asyncio.to_thread(anonymous, path) for path in ("/livez", "/readyz", "/healthz", "/version", "/api")
    }
    log = Path(paths.KUBERNETES_AUDIT_LOG) / "kube-apiserver.log"
    events = [json.loads(line) for line in log.read_text().splitlines()]
    seen["audit_levels"] = sorted({event["level"] for event in events})
    seen["audit_secret"] = any(event.get("objectRef", {}).get("resource") == "secrets" for event in events)
    seen["audit_leaks"] = "swordfish" in log.read_text()


def anonymous(path: str) -> int:
    import ssl

    context = ssl.create_default_context(cadata=made().k8s.crt.decode())
    try:
        with urllib.request.urlopen(f"https://localhost:6443{path}", context=context, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


async def main() -> None:
    began = time.monotonic()
    config = changed(source(), KubeNodeConfig={"labels": {"rack": "r1"}, "taints": {"gpu": "yes:NoSchedule"}})
    controllers = (
        *everything(Path("/")), SpecController(), PKIController(), MemberController(), AdvertisedPeerController(),
        ManifestApplyController(), EndpointController(), KubeletServingCSRController(), NodenameController(),
        NodeLabelSpecController(), NodeTaintSpecController(), NodeAnnotationSpecController(), NodeApplyController(),
        NodeStatusController(), KubeletKubeconfigController(),
    )  # fmt: skip
    processes: list[subprocess.Popen[bytes]] = []
    async with node(*controllers, config=config) as (store, _):
        try:
            processes.append(await start_etcd(store))
            pod = dict((await there(store, static_pod.StaticPod, "kube-apiserver")).spec.pod)
            processes.append(start_api_server(pod))
            text = (await store.get(kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)).spec
            async with kubernetes.Client.from_kubeconfig(text.localhost_admin_kubeconfig) as admin:
                await manifests(store, admin)
                seen["ready_s"] = time.monotonic() - began
                for name in ("kube-controller-manager", "kube-scheduler"):
                    await state.wait_for(store, static_pod.StaticPod, name, lambda one: one is not None, timeout_s=20)
                await members(store)
                kubelet = await as_kubelet(admin)
                await nodes(store, admin)
                await serving(admin, kubelet)
                await policies(admin)
                found = await state.wait_for(
                    store, endpoint.Endpoint, endpoint.CONTROL_PLANE_KUBERNETES_ENDPOINTS_ID,
                    lambda one: one is not None, timeout_s=30,
                )  # fmt: skip
                assert found is not None
                seen["endpoints"] = list(found.spec.addresses)
            await restarted(store, processes, pod, text.localhost_admin_kubeconfig)
        finally:
            for process in processes:
                process.kill()
                process.wait()


async def restarted(
    store: inmem.InMemory, processes: list[subprocess.Popen[bytes]], pod: dict[str, Any], text: str
) -> None:
    """The API server dies and comes back; who follows something goes on."""
    dead = processes.pop()
    dead.kill()
    dead.wait()
    processes.append(start_api_server(pod))
    async with kubernetes.Client.from_kubeconfig(text) as admin:
        await until(lambda: admin.patch(kubernetes.NODES, "cp-1", {"metadata": {"labels": {"after": "restart"}}}))

    def told(one: node_status.NodeStatus | None) -> bool:
        return one is not None and "after" in one.spec.labels

    await state.wait_for(store, node_status.NodeStatus, "cp-1", told, timeout_s=30)
    seen["followed_over_restart"] = True


if __name__ == "__main__":
    try:
        asyncio.run(main())
    finally:
        Path("/out/seen.json").write_text(json.dumps(seen))
