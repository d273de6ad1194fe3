"""Kubernetes does its work: pods, networks, services, DNS, rollouts, policies."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from tests import capabilities
from tests.cluster.driver import IMAGE, LocalCluster, until

TOLERATE = [{"operator": "Exists"}]
SAFE = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SAFE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
STATIC_POD_BACK_S = 330.0
"""At once the first time; the kubelet's pause grows to five minutes when this is done again and again."""


def container(*args: str, **more: Any) -> dict[str, Any]:
    return {"name": "main", "image": IMAGE, "args": list(args), "securityContext": CONTAINER_SAFE, **more}


def workload(kind: str, name: str, spec: dict[str, Any], *args: str, **more: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"securityContext": SAFE, "containers": [container(*args)], **more},
    }
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }  # fmt: skip


def pods(cluster: LocalCluster, app: str) -> list[dict[str, Any]]:
    return list(cluster.get("pods", "-l", f"app={app}")["items"])


def ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


@pytest.fixture(scope="module")
def servers(cluster: LocalCluster) -> list[dict[str, Any]]:
    """A server on each node behind one service."""
    cluster.apply(
        workload("DaemonSet", "web", {}, "serve", tolerations=TOLERATE),
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
        workload("Deployment", "client", {"replicas": 1}, "sleep", "3600"),
    )  # fmt: skip
    wanted = len(cluster.nodes)
    return until(
        lambda: (
            [p for p in pods(cluster, "web") if ready(p)] if sum(map(ready, pods(cluster, "web"))) == wanted else None
        ),
        90,
        "a server on each node",
        1,
    )


@pytest.fixture(scope="module")
def client(cluster: LocalCluster, servers: list[dict[str, Any]]) -> str:
    found = until(lambda: [p for p in pods(cluster, "client") if ready(p)], 60, "the client pod", 1)
    return str(found[0]["metadata"]["name"])


def ask(cluster: LocalCluster, client: str, url: str) -> str:
    return cluster.kubectl("exec", client, "--", "testbox", "get", url, timeout_s=30).out


@pytest.mark.feature("M016", "M021", "S108")
def test_nodes_are_ready_and_show_our_system(cluster: LocalCluster) -> None:
    nodes = cluster.get("nodes")["items"]
    assert len(nodes) == 2
    for node in nodes:
        assert ready(node), node["metadata"]["name"]
        assert node["status"]["nodeInfo"]["osImage"].startswith("PyTalos (v1.14")
        assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.37.2"


@pytest.mark.feature("M020")
def test_control_plane_is_labelled_and_tainted(cluster: LocalCluster) -> None:
    plane = next(n for n in cluster.get("nodes")["items"] if "controlplane" in n["metadata"]["name"])
    assert "node-role.kubernetes.io/control-plane" in plane["metadata"]["labels"]
    assert {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"} in plane["spec"]["taints"]


@pytest.mark.feature("M031")
def test_coredns_flannel_and_proxy_are_available(cluster: LocalCluster) -> None:
    dns = cluster.get("-n", "kube-system", "deployment", "coredns")
    assert dns["status"]["availableReplicas"] == 2
    for name in ("kube-flannel", "kube-proxy"):
        status = cluster.get("-n", "kube-system", "daemonset", name)["status"]
        assert status["numberReady"] == len(cluster.nodes), name


@pytest.mark.feature("M010")
def test_control_plane_runs_as_users_of_its_own(cluster: LocalCluster) -> None:
    users = {"kube-apiserver": 65534, "kube-controller-manager": 65535, "kube-scheduler": 65536}
    for pod in cluster.get("-n", "kube-system", "pods", "-l", "tier=control-plane")["items"]:
        app = pod["metadata"]["labels"]["k8s-app"]
        context = pod["spec"].get("securityContext", {}) | pod["spec"]["containers"][0].get("securityContext", {})
        assert context["runAsUser"] == users.pop(app)
    assert not users


def test_pods_reach_each_other_across_nodes(cluster: LocalCluster, servers: list[dict[str, Any]], client: str) -> None:
    assert len({p["spec"]["nodeName"] for p in servers}) == 2
    for pod in servers:
        answer = ask(cluster, client, f"http://{pod['status']['podIP']}:8080/")
        assert pod["metadata"]["name"] in answer


@pytest.mark.feature("M030")
def test_cluster_ip_node_port_and_dns(cluster: LocalCluster, servers: list[dict[str, Any]], client: str) -> None:
    service = cluster.get("service", "web")["spec"]
    names = {p["metadata"]["name"] for p in servers}
    for url in (
        f"http://{service['clusterIP']}/",
        "http://web/",
        "http://web.default.svc.cluster.local/",
        *(f"http://{node}:{service['ports'][0]['nodePort']}/" for node in cluster.nodes),
    ):
        answer = ask(cluster, client, url)
        assert any(name in answer for name in names), url


def test_logs_exec_cp_and_port_forward(
    cluster: LocalCluster, servers: list[dict[str, Any]], client: str, tmp_path: Any
) -> None:
    server = servers[0]["metadata"]["name"]
    ask(cluster, client, f"http://{servers[0]['status']['podIP']}:8080/")
    assert cluster.kubectl("logs", server).code == 0
    assert cluster.kubectl("exec", client, "--", "testbox", "echo", "hello").out.strip() == "hello"
    kubectl = str(capabilities.artifacts_dir() / "bin/kubectl")
    with subprocess.Popen(
        [kubectl, "port-forward", f"pod/{server}", "18087:8080"],
        env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as forward:  # fmt: skip
        try:
            assert forward.stdout is not None
            assert "Forwarding from" in forward.stdout.readline()
            done = subprocess.run(
                ["python3", "-c", "import urllib.request as u;print(u.urlopen('http://127.0.0.1:18087/',timeout=10).read())"],
                capture_output=True, text=True, timeout=20, check=True,
            )  # fmt: skip
            assert server in done.stdout
        finally:
            forward.terminate()


def test_rollout_of_three(cluster: LocalCluster) -> None:
    cluster.apply(workload("Deployment", "three", {"replicas": 3}, "serve"))
    cluster.kubectl("rollout", "status", "deployment/three", "--timeout=90s", timeout_s=100)
    cluster.kubectl("set", "env", "deployment/three", "COLOUR=blue")
    cluster.kubectl("rollout", "status", "deployment/three", "--timeout=90s", timeout_s=100)
    assert cluster.get("deployment", "three")["status"]["updatedReplicas"] == 3
    cluster.kubectl("delete", "deployment", "three", "--wait=false")


def test_job_and_stateful_set(cluster: LocalCluster) -> None:
    job = {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never", "securityContext": SAFE, "containers": [container("true")]}}},
    }  # fmt: skip
    mounted = container("sleep", "3600", volumeMounts=[{"name": "data", "mountPath": "/data"}])
    stateful = workload("StatefulSet", "kept", {"serviceName": "kept", "replicas": 1})
    stateful["spec"]["template"]["spec"] |= {"containers": [mounted], "volumes": [{"name": "data", "emptyDir": {}}]}
    cluster.apply(job, stateful)
    cluster.kubectl("wait", "--for=condition=complete", "job/once", "--timeout=60s", timeout_s=70)
    cluster.kubectl("rollout", "status", "statefulset/kept", "--timeout=60s", timeout_s=70)
    cluster.kubectl("exec", "-i", "kept-0", "--", "testbox", "write", "/data/x", stdin="kept")
    assert "kept" in cluster.kubectl("exec", "kept-0", "--", "testbox", "cat", "/data/x").out


@pytest.mark.feature("M029")
def test_privileged_pod_is_refused_in_default(cluster: LocalCluster) -> None:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"},
        "spec": {"containers": [{"name": "c", "image": IMAGE, "securityContext": {"privileged": True}}]},
    }  # fmt: skip
    refused = cluster.kubectl("apply", "-f", "-", stdin=json.dumps(pod), check=False)
    assert refused.code != 0
    assert "violates PodSecurity" in refused.err


@pytest.mark.feature("M028")
def test_secrets_are_encrypted_at_rest(cluster: LocalCluster, tmp_path: Any) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden"}, "stringData": {"word": "swordfish"}}
    cluster.apply(secret)
    certificates = {}
    for name in ("ca.crt", "admin.crt", "admin.key"):
        text = cluster.talosctl("read", f"/system/secrets/etcd/{name}", node=cluster.planes[0]).out
        certificates[name] = tmp_path / name
        certificates[name].write_text(text)
    stored = cluster.run(
        str(capabilities.artifacts_dir() / "bin/etcdctl"), "--endpoints", f"https://{cluster.planes[0]}:2379",
        "--cacert", str(certificates["ca.crt"]), "--cert", str(certificates["admin.crt"]),
        "--key", str(certificates["admin.key"]), "get", "/registry/secrets/default/hidden", "--hex",
    ).out  # fmt: skip
    assert "k8s:enc:secretbox" in bytes.fromhex(stored.replace("\\x", "").replace("\n", "")).decode(errors="replace")
    assert b"swordfish".hex() not in stored.replace("\\x", "")


@pytest.mark.feature("M028")
def test_audit_log_records_requests(cluster: LocalCluster) -> None:
    cluster.kubectl("get", "configmaps", "-n", "default")
    log = cluster.talosctl("read", "/var/log/audit/kube/kube-apiserver.log", node=cluster.planes[0]).out
    events = [json.loads(line) for line in log.splitlines()[-400:] if line.startswith("{")]
    assert any(e["objectRef"].get("resource") == "configmaps" for e in events if "objectRef" in e)
    assert all(e["level"] == "Metadata" for e in events)


@pytest.mark.feature("M028")
def test_anonymous_sees_health_and_nothing_else(cluster: LocalCluster) -> None:
    import ssl
    import urllib.error
    import urllib.request

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    base = f"https://{cluster.planes[0]}:6443"
    with urllib.request.urlopen(f"{base}/livez", context=context, timeout=10) as answer:
        assert answer.read() == b"ok"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{base}/api/v1/namespaces", context=context, timeout=10)
    with refused.value as answer:
        assert answer.code == 401


@pytest.mark.feature("M010")
def test_killed_static_pod_comes_back(cluster: LocalCluster) -> None:
    def scheduler() -> Any:
        return cluster.get("-n", "kube-system", "pods", "-l", "k8s-app=kube-scheduler")["items"][0]

    def restarts(pod: Any) -> int:
        return int(pod["status"]["containerStatuses"][0]["restartCount"])

    until(lambda: ready(scheduler()), STATIC_POD_BACK_S, "the scheduler runs", 1)
    before = restarts(scheduler())
    cluster.kill(cluster.planes[0], "kube-scheduler")

    def back() -> bool:
        found = scheduler()
        return ready(found) and restarts(found) > before

    time.sleep(1)
    until(back, STATIC_POD_BACK_S, "the scheduler is back", 1)
