"""The floor's node: PID 1 that starts the Kubernetes programs in the order of need and says when each answers.

Standard library only. Reads /run/floor/plan.json (see floor.py); prints lines `floor <UNIX time> <step>`.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path("/run/floor")
_POLL_S = 0.02
_MS_REC, _MS_SHARED = 0x4000, 0x100000
_KUBECTL = ("/run/floor/bin/kubectl", "--kubeconfig=/run/floor/admin.kubeconfig")
# Made in the middle of kube-apiserver's first start; the scheduler and the controller manager cannot lead before it.
_ROLES_MADE = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:kube-scheduler"


def say(step: str) -> None:
    """One line for whoever measures."""
    print(f"floor {time.time():.3f} {step}", flush=True)


def until(holds: Callable[[], bool]) -> None:
    """Ask every few milliseconds; the measurement has the time limit."""
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, KeyError):
            if holds():
                return
        time.sleep(_POLL_S)


def listens(port: int) -> bool:
    """Whether something answers on the loopback."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


class Api:
    """Reads from the API server as administrator, on one connection while it lasts."""

    def __init__(self) -> None:
        self._tls = ssl.create_default_context(cafile=str(HERE / "ca.crt"))
        self._tls.load_cert_chain(HERE / "admin.crt", HERE / "admin.key")
        self._connection: http.client.HTTPSConnection | None = None

    def get(self, path: str) -> dict[str, Any] | None:
        """The object; None unless the answer is 200. Raises OSError, HTTPException."""
        if self._connection is None:
            self._connection = http.client.HTTPSConnection("127.0.0.1", 6443, context=self._tls, timeout=5)
        try:
            self._connection.request("GET", path)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise
        return dict(json.loads(content)) if answer.status == 200 else None

    def condition(self, path: str, kind: str) -> bool:
        """Whether the condition of an object is true."""
        found = self.get(path)
        conditions = (found or {}).get("status", {}).get("conditions") or []
        return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def start(program: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start one of the recorded programs with its log in /var/log."""
    with (Path("/var/log") / f"{program['name']}.log").open("ab") as log:
        return subprocess.Popen(
            program["argv"],
            executable=program["executable"],
            user=program["uid"],
            group=program["gid"],
            extra_groups=[],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )


def prepare(plan: dict[str, Any]) -> None:
    """Directories, cgroups, propagation of mounts."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(None, b"/", None, _MS_REC | _MS_SHARED, None) != 0:
        raise OSError(ctypes.get_errno(), "mount propagation")
    for directory in ("/var", "/var/lib", "/var/log", "/var/log/audit"):
        Path(directory).mkdir(exist_ok=True)
        Path(directory).chmod(0o755)
    for directory, uid in plan["directories"]:
        Path(directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(directory, uid, uid)
    top = Path("/sys/fs/cgroup")
    trees = [top] if (top / "cgroup.procs").exists() else [one for one in top.iterdir() if one.is_dir()]
    for tree in trees:
        for name in plan["cgroups"]:
            directory = tree
            for part in name.split("/"):
                directory = directory / part
                directory.mkdir(exist_ok=True)
                for file in ("cpuset.cpus", "cpuset.mems"):
                    if (directory / file).exists() and tree != top:
                        (directory / file).write_text((directory.parent / file).read_text())


def main() -> None:
    """Everything, then reap until killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    say("node")
    plan = json.loads((HERE / "plan.json").read_text())
    prepare(plan)
    programs = {program["name"]: program for program in plan["programs"]}
    running = [start(programs["containerd"]), start(programs["etcd"])]
    until(lambda: Path("/run/containerd/containerd.sock").exists())
    running.append(start(programs["kubelet"]))
    until(lambda: listens(2379))
    say("etcd listens")
    running.append(start(programs["kube-apiserver"]))
    api = Api()
    until(lambda: api.get("/api/v1/namespaces/kube-system") is not None)
    say("API server answers")
    applied = subprocess.Popen([*_KUBECTL, "apply", "--server-side", "-f", "/run/floor/manifests.json"])
    until(lambda: api.get(_ROLES_MADE) is not None)
    say("API server ready")
    running += [start(programs["kube-controller-manager"]), start(programs["kube-scheduler"])]
    while applied.wait() != 0:
        applied = subprocess.Popen([*_KUBECTL, "apply", "--server-side", "-f", "/run/floor/manifests.json"])
    say("manifests applied")
    until(lambda: api.condition(f"/api/v1/nodes/{plan['node']}", "Ready"))
    say("node Ready")
    until(lambda: api.condition("/apis/apps/v1/namespaces/kube-system/deployments/coredns", "Available"))
    say("CoreDNS Available")
    while True:
        with contextlib.suppress(ChildProcessError):
            os.wait()
            continue
        time.sleep(1)


if __name__ == "__main__":
    main()
