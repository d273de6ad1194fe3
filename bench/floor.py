"""The floor of `cluster create`: the same programs, started by a plain script with everything ready-made.

What is ready: certificates, keys and configuration files (recorded from a cluster that the product made), images in
containerd (its data are copied before each run), manifests. What is measured: from the start of an empty node in
namespaces until the node is Ready and CoreDNS Available. Command lines are the recorded ones; there is no apid, no
trustd and no machined, and control plane components run without pods around them.

`./dev bench floor [-- --runs 3 --cidr 10.25.0.0/24]`
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import dataclasses
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import _node
from talos.k8s import kubeconfig
from talos.linux import netlink
from talos.provision import state as states
from talos.provision.providers.namespaces import launch, node, resident

ALONE = True
NAME, END = "floor", "CoreDNS Available"
CPU = "CPU time of node and talosctl"
_HERE = Path(__file__).resolve().parent
_FILES = ("system/secrets", "system/config", "system/resolved", "etc/kubernetes", "etc/cri", "etc/machine-id")
_PROGRAMS = ("containerd", "etcd", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# The node's interpreter runs nothing but the node's daemons; the floor's script takes the place of the first.
_INIT = "/usr/lib/pytalos/app/talos/init"
_LIMIT_S = 120.0


class Floor:
    """Records once, runs any number of times."""

    def __init__(self, home: _node.Home, cidr: str) -> None:
        self._home, self._cidr = home, cidr
        self._folder = home.folder / "floor"
        self._recorded = self._folder / "recorded"
        self._binaries = self._folder / "run" / "bin"

    def record(self) -> None:
        """Make a cluster, keep what the floor needs of it, and leave its network without its node."""
        self._home.create(NAME, self._cidr)
        cluster = states.Store(self._home.clusters).load(NAME)
        one = cluster.request.nodes[0]
        record = launch.Record.load(cluster.node_folder(one.name))
        assert record is not None
        root, pids = Path(f"/proc/{record.init_pid}/root"), _node.processes(record.init_pid)
        self._binaries.mkdir(parents=True)
        for name in _FILES:
            target = self._recorded / name
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", root / name, target], check=True, timeout=60)
        pki = self._recorded / "kubelet-pki"
        subprocess.run(["cp", "-a", root / "var/lib/kubelet/pki", pki], check=True, timeout=60)
        programs = [self._program(name, pids[name]) for name in _PROGRAMS]
        self._write_run(one.name, programs, Path(cluster.state.artifacts) / "bin" / "kubectl")
        self._without_proxy()
        asyncio.run(resident.end(launch.Record.load(cluster.node_folder(one.name)), signal.SIGTERM, 120))
        self._keep_images(cluster.node_folder(one.name) / node.DISK_FILE)

    def _program(self, name: str, pid: int) -> dict[str, Any]:
        argv = [part.decode() for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        executable = "/usr/bin/containerd"
        if name != "containerd":
            size = Path(f"/proc/{pid}/exe").stat().st_size
            copy = self._binaries / f"program-{size}"
            if not copy.exists():
                shutil.copyfile(f"/proc/{pid}/exe", copy)
                copy.chmod(0o755)
            executable = f"/run/floor/bin/{copy.name}"
        ids = {kind: int(status[kind].split()[0]) for kind in ("Uid", "Gid")}
        return {"name": name, "argv": argv, "executable": executable, "uid": ids["Uid"], "gid": ids["Gid"]}

    def _write_run(self, node_name: str, programs: list[dict[str, Any]], kubectl: Path) -> None:
        run = self._binaries.parent
        shutil.copyfile(kubectl, self._binaries / "kubectl")
        (self._binaries / "kubectl").chmod(0o755)
        (run / "init").mkdir()
        (run / "init" / "__init__.py").touch()
        shutil.copyfile(_HERE / "_floor_node.py", run / "init" / "main.py")
        text = (self._home.folder / ".kube" / "config").read_text()
        (run / "admin.kubeconfig").write_text(text)
        current = kubeconfig.current(text)
        for file, content in (
            ("ca.crt", current.cluster["certificate-authority-data"]),
            ("admin.crt", current.user["client-certificate-data"]),
            ("admin.key", current.user["client-key-data"]),
        ):
            (run / file).write_bytes(base64.b64decode(content))
        owner = {program["name"]: program["uid"] for program in programs}
        directories = [
            ("/var/lib/etcd", owner["etcd"]),
            ("/var/log/audit/kube", owner["kube-apiserver"]),
            ("/var/run/kubernetes", owner["kube-apiserver"]),
            *((f"/var/{name}", 0) for name in ("lib/kubelet", "lib/cni", "log/pods", "log/containers")),
        ]
        cgroups = ["podruntime/shim", "podruntime/kubelet", "system"]
        plan = {"node": node_name, "programs": programs, "directories": directories, "cgroups": cgroups}
        (run / "plan.json").write_text(json.dumps(plan))
        items = self._manifests()
        (run / "manifests.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def _manifests(self) -> list[dict[str, Any]]:
        decoder, text = json.JSONDecoder(), self._home.talosctl("get", "manifests", "-o", "json").strip()
        items: list[dict[str, Any]] = []
        while text:
            document, end = decoder.raw_decode(text)
            items += document["spec"]["items"] if isinstance(document["spec"], dict) else document["spec"]
            text = text[end:].strip()
        return items

    def _without_proxy(self) -> None:
        """Clients go to the API server itself: the floor has no KubePrism and serves no static pods."""
        kubernetes = self._recorded / "etc" / "kubernetes"
        files = [*kubernetes.glob("*kubeconfig*"), *(self._recorded / "system/secrets").rglob("*kubeconfig*")]
        for file in [*files, self._binaries.parent / "manifests.json"]:
            file.write_text(file.read_text().replace("7445", "6443"))
        settings = kubernetes / "kubelet.yaml"
        kept = [
            line for line in settings.read_text().splitlines() if not line.startswith(("staticPodURL", "httpCheck"))
        ]
        settings.write_text("\n".join(kept) + "\n")

    def _keep_images(self, disk: Path) -> None:
        """Of EPHEMERAL only containerd's data stay, without containers: the shutdown removed those."""
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            subprocess.run(["mount", "-o", "loop", disk, place], check=True, timeout=60)
            try:
                for entry in Path(place).iterdir():
                    if entry.name != "lib":
                        shutil.rmtree(entry)
                for entry in (Path(place) / "lib").iterdir():
                    if entry.name != "containerd":
                        shutil.rmtree(entry)
            finally:
                subprocess.run(["umount", place], check=True, timeout=60)
        _sparse_copy(disk, self._folder / "template.img")

    def run(self) -> dict[str, float]:
        """One start; seconds from its begin to each step. Raises TimeoutError with the console printed."""
        return asyncio.run(self._run())

    async def _run(self) -> dict[str, float]:
        cluster = states.Store(self._home.clusters).load(NAME)
        one = cluster.request.nodes[0]
        folder, path = self._folder / "node", cluster.names.node_cgroup(one)
        await resident.kill(path)
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("root", "cni/net.d", "libexec"):
            (folder / name).mkdir(parents=True)
        _sparse_copy(self._folder / "template.img", folder / node.DISK_FILE)
        for name in (*_FILES, "kubelet-pki"):
            (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", self._recorded / name, folder / "files" / name], check=True, timeout=60)
        os.sync()
        begin = time.time()
        what = node.prepare(cluster, one, node.make_cgroup(cluster, one))
        binds = (
            *(bind for bind in what.binds if bind.target != "/system/state"),
            *(launch.Bind(str(folder / "files" / name), f"/{name}") for name in _FILES),
            launch.Bind(str(folder / "files" / "kubelet-pki"), "/var/lib/kubelet/pki"),
            launch.Bind(str(folder / "cni"), "/etc/cni"),
            launch.Bind(str(folder / "libexec"), "/usr/libexec/kubernetes"),
            launch.Bind(str(self._binaries.parent), "/run/floor"),
            launch.Bind(str(self._binaries.parent / "init"), _INIT, read_only=True),
        )
        disk, root = str(folder / node.DISK_FILE), str(folder / "root")
        dataclasses.replace(what, binds=binds, ephemeral=disk, mount_point=root).save(folder)
        await resident.start("launcher", [str(folder)], cgroup_path=f"{path}/launcher", log=folder / "launcher.log")
        try:
            found = await _steps(folder / launch.CONSOLE_FILE, begin)
            return {**found, CPU: _node.cpu_s(path)}
        except TimeoutError:
            _show_logs(launch.Record.load(folder))
            raise
        finally:
            await resident.kill(path)
            with netlink.Route() as route:
                route.link_delete(cluster.names.link(one), missing_ok=True)
            await node.released(folder / node.DISK_FILE)


def _sparse_copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target], check=True, timeout=120)


async def _steps(console: Path, begin: float) -> dict[str, float]:
    while time.time() - begin < _LIMIT_S:
        lines = [line.split(" ", 2) for line in console.read_text().splitlines() if line.startswith("floor ")]
        found = {text: float(at) - begin for _, at, text in lines}
        if END in found:
            return found
        await asyncio.sleep(0.1)
    print(console.read_text()[-6000:], file=sys.stderr)
    raise TimeoutError(f"no end after {_LIMIT_S:.0f} s")


def _show_logs(record: launch.Record | None) -> None:
    for log in sorted(Path(f"/proc/{record.init_pid}/root/var/log").glob("*.log")) if record else []:
        print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-5:], sep="\n", file=sys.stderr)


def breakdown(runs: list[dict[str, float]]) -> list[str]:
    """Lines: median seconds of each step, in order; CPU time is no step."""
    names = sorted(set(runs[0]) - {CPU}, key=lambda name: statistics.median(run[name] for run in runs if name in run))
    return [f"    {statistics.median(r[n] for r in runs if n in r):6.2f} s  {n}" for n in names]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cidr", default="10.25.0.0/24")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="talos-bench-") as folder:
        home = _node.Home(Path(folder))
        try:
            floor = Floor(home, args.cidr)
            floor.record()
            runs = [floor.run() for _ in range(args.runs)]
        finally:
            home.destroy(NAME)
    for line in breakdown(runs):
        print(line)
    totals = [run[END] for run in runs]
    print(f"  floor: median {statistics.median(totals):.2f} s of {', '.join(f'{one:.2f}' for one in totals)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
