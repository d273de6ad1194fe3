"""Ways to have a node run what is not in its image: through Kubernetes, out of a plain pod, and through the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from talos.machinery.client import talosconfig
from talos.machinery.config import secrets
from talos.pki import bundle
from tests.cluster.driver import IMAGE, LocalCluster

POD = "foreign"


def _pod(name: str, spec: dict[str, Any], container: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
    contained = {
        "name": "c",
        "image": IMAGE,
        "command": ["testbox", "sleep", "3600"],
        "imagePullPolicy": "Never",
        **container,
    }
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [contained], **spec}}


def _host_path(path: str) -> dict[str, Any]:
    return {"volumes": [{"name": "v", "hostPath": {"path": path}}]}


def _security(**wanted: Any) -> dict[str, Any]:
    return {"securityContext": wanted}


_PIPE = {"securityContext": {"sysctls": [{"name": "kernel.core_pattern", "value": "|/x"}]}}
# name -> pod spec, container, annotations
REFUSED_PODS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "privileged": ({}, _security(privileged=True), {}),
    "root-of-the-host": (_host_path("/"), {}, {}),
    "binaries-of-cni": (_host_path("/opt/cni/bin"), {}, {}),
    "manifests-of-kubelet": (_host_path("/etc/kubernetes/manifests"), {}, {}),
    "socket-of-containerd": (_host_path("/run/containerd/containerd.sock"), {}, {}),
    "socket-of-machined": (_host_path("/system/run/machined"), {}, {}),
    "network-of-the-host": ({"hostNetwork": True}, {}, {}),
    "processes-of-the-host": ({"hostPID": True}, {}, {}),
    "memory-of-the-host": ({"hostIPC": True}, {}, {}),
    "port-of-the-host": ({}, {"ports": [{"containerPort": 1, "hostPort": 10250}]}, {}),
    "administrator": ({}, _security(capabilities={"add": ["SYS_ADMIN"]}), {}),
    "modules": ({}, _security(capabilities={"add": ["SYS_MODULE"]}), {}),
    "tracing": ({}, _security(capabilities={"add": ["SYS_PTRACE"]}), {}),
    "every-capability": ({}, _security(capabilities={"add": ["ALL"]}), {}),
    "without-seccomp": ({}, _security(seccompProfile={"type": "Unconfined"}), {}),
    "without-apparmor": ({}, _security(appArmorProfile={"type": "Unconfined"}), {}),
    "parameter-of-the-kernel": (_PIPE, {}, {}),
    "whole-proc": ({"hostUsers": True}, _security(procMount="Unmasked"), {}),
}  # fmt: skip

WRITTEN_FROM_A_POD = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sysrq-trigger",
    "/sys/fs/cgroup/memory/release_agent",
    "/sys/kernel/uevent_helper",
    "/proc/sys/vm/overcommit_memory",
)
"""Files by which the kernel starts programs, or harms everybody."""

ASKED_OF_THE_API = (
    ("reset", "--wait=false"),
    ("apply-config", "--mode", "no-reboot", "-f", "CONFIG"),
    ("patch", "mc", "--mode", "no-reboot", "-p", '[{"op": "add", "path": "/machine/env", "value": {"A": "b"}}]'),
    ("upgrade", "--image", "example.org/foreign:v1", "--wait=false"),
    ("rollback",),
    ("bootstrap",),
    ("meta", "write", "0x0a", "x"),
    ("service", "kubelet", "stop"),
    ("reboot", "--wait=false"),
    ("etcd", "snapshot", "OUTPUT"),
    ("kubeconfig", "-"),
)
"""What may change what a node runs; asked here with a role that may look only."""


def test_there_are_enough_ways() -> None:
    assert len(REFUSED_PODS) + len(WRITTEN_FROM_A_POD) + len(ASKED_OF_THE_API) >= 30


@pytest.mark.feature("M029")
def test_pods_that_would_reach_the_host_are_refused(cluster: LocalCluster) -> None:
    ways = {"plain": ({}, {}, {}), **REFUSED_PODS}
    listed = [_pod(name, *rest) for name, rest in ways.items()]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed})
    asked = cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=text, check=False)
    accepted = {line.split()[0].removeprefix("pod/") for line in asked.out.splitlines() if "created" in line}
    assert accepted == {"plain"}, asked
    assert asked.err.count("Error from server") == len(REFUSED_PODS), asked.err


@pytest.fixture(scope="module")
def pod(cluster: LocalCluster) -> Iterator[str]:
    cluster.apply(_pod(POD, {}, {}, {}))
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{POD}", "--timeout=120s", timeout_s=150)
    yield POD
    cluster.kubectl("delete", "pod", POD, "--force", "--grace-period=0", timeout_s=90)


@pytest.mark.feature("M029")
@pytest.mark.parametrize("path", WRITTEN_FROM_A_POD)
def test_a_plain_pod_writes_nothing_the_kernel_obeys(cluster: LocalCluster, pod: str, path: str) -> None:
    write = ("exec", "-i", pod, "--", "testbox", "write")
    cluster.kubectl(*write, "/dev/shm/probe", stdin="x")
    asked = cluster.kubectl(*write, path, stdin="|/dev/shm/probe", check=False)
    assert asked.code != 0
    assert any(reason in asked.err for reason in ("read-only", "permission denied", "no such file")), asked


@pytest.mark.feature("B030")
@pytest.mark.parametrize("words", ASKED_OF_THE_API, ids=lambda words: words[0])
def test_who_may_look_changes_nothing_a_node_runs(
    cluster: LocalCluster, tmp_path: Path, words: tuple[str, ...]
) -> None:
    made = secrets.Bundle.load((cluster.folder / "configs/secrets.yaml").read_bytes())
    pair = bundle.admin_certificate(made, ("os:reader",))
    own = talosconfig.Context(endpoints=(cluster.planes[0],), ca=made.os.crt, crt=pair.crt, key=pair.key)
    talosconfig.save(talosconfig.Talosconfig("it", {"it": own}), tmp_path / "talosconfig")
    (tmp_path / "config.yaml").write_text("version: v1alpha1\nmachine: {type: worker}\n")
    places = {"CONFIG": str(tmp_path / "config.yaml"), "OUTPUT": str(tmp_path / "snapshot")}
    argv = [places.get(word, word) for word in words]
    refused = cluster.talosctl(
        "--talosconfig", str(tmp_path / "talosconfig"), *argv, node=cluster.planes[0], check=False
    )
    assert refused.code != 0
    assert "PermissionDenied" in refused.err or "not authorized" in refused.err.lower(), refused
