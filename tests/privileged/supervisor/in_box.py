"""Runs inside a box: containerd with the images of the artifact set, and what the supervisor does with it.

Prints one JSON object with what was seen; the test outside judges it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from talos.linux import cgroup, procfs
from talos.supervisor import logs, service, supervisor
from talos.supervisor.containerd import client, images, spec, tasks
from talos.supervisor.runner import Runner, container, process

SOCKET = Path("/run/containerd/containerd.sock")
TESTBOX = "ghcr.io/talos-python/testbox:v1"
seen: dict[str, Any] = {}


class Containerd(service.Service):
    id = "cri"

    def runner(self) -> Runner:
        return process.Process(("/usr/bin/containerd", "--config", "/etc/box.toml"), env=dict(os.environ))


class Sleeper(service.Service):
    id = "sleeper"
    stop_grace_s = 0.5

    def __init__(self, made: client.Client) -> None:
        self._client = made

    def runner(self) -> Runner:
        options = spec.Options(
            args=("/bin/sleep", "1000"),
            cgroup="/podruntime/sleeper",
            uid=60,
            gid=60,
            capabilities=(),
            read_only_root=True,
        )
        return container.Container(
            self._client, self.id, TESTBOX, options, limits=cgroup.Limits(memory_max_bytes=64 << 20)
        )


async def until(condition: Any, timeout_s: float = 15) -> float:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > timeout_s:
            raise TimeoutError
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def made_supervisor(store: logs.LogStore, made: client.Client) -> supervisor.Supervisor:
    adopters = [process.ProcessAdopter(), container.ContainerAdopter(made)]
    sup = supervisor.Supervisor(store, Path("/run/records"), adopters)
    sup.load(Containerd())
    sup.load(Sleeper(made))
    return sup


def pid_of(name: str) -> int:
    try:
        return int(json.loads(Path(f"/run/records/{name}.json").read_text())["pid"])
    except FileNotFoundError:
        return 0


async def main() -> None:
    Path("/etc/box.toml").write_text('version = 3\ndisabled_plugins = ["io.containerd.nri.v1.nri"]\n')
    cgroup.tree().create("podruntime/shim")
    store = logs.LogStore(Path("/run/log"))
    made = client.Client()
    sup = made_supervisor(store, made)
    await sup.start("cri")
    await until(SOCKET.exists)
    found = images.Images(made)
    began = time.monotonic()
    names = await found.import_layout(Path("/images"), {"system": lambda n: True, "k8s.io": lambda n: "pause" in n})
    seen["import_s"], seen["names"] = time.monotonic() - began, names
    began = time.monotonic()
    await found.import_layout(Path("/images"), {"system": lambda n: True})
    seen["again_s"] = time.monotonic() - began
    seen["listed"] = [image.name for image in await found.list("system")]

    await sup.start("sleeper")
    await sup.wait_up("sleeper", 30)
    first = pid_of("sleeper")
    status = Path(f"/proc/{first}/status").read_text()
    seen["uid"] = status.split("Uid:")[1].split()[0]
    seen["capabilities"] = status.split("CapBnd:")[1].split()[0]
    seen["cgroups"] = sorted({line.split(":")[2] for line in Path(f"/proc/{first}/cgroup").read_text().splitlines()})
    shims = [p for p in procfs.processes() if p.command.startswith("containerd-shim")]
    memory = cgroup.of_process(shims[0].pid)
    seen["shim_cgroup"] = memory.get("memory", memory.get(""))

    # The death of containerd is not the container's, and containerd is back at once.
    containerd = pid_of("cri")
    os.kill(containerd, signal.SIGKILL)
    seen["containerd_back_s"] = await until(lambda: pid_of("cri") not in (0, containerd))
    await asyncio.sleep(1)
    seen["same_after_containerd"] = pid_of("sleeper") == first and Path(f"/proc/{first}").exists()

    # A killed container is back soon.
    os.kill(first, signal.SIGKILL)
    seen["container_back_s"] = await until(lambda: pid_of("sleeper") not in (0, first))
    second = pid_of("sleeper")

    # A supervisor that dies leaves everything running, and the next one takes it over.
    await sup.detach()
    await store.close()
    store = logs.LogStore(Path("/run/log"))
    sup = made_supervisor(store, made)
    for name in ("cri", "sleeper"):
        await sup.start(name)
        await sup.wait_up(name, 10)
    seen["adopted"] = [sup.status(name).events[-1].message.split(" ")[0] for name in ("cri", "sleeper")]
    seen["same_after_supervisor"] = pid_of("sleeper") == second
    await sup.stop("sleeper")
    seen["left"] = [task.id for task in await tasks.Tasks(made, "system").tasks()]
    await sup.stop_all(20)
    await store.close()


def end_everything() -> None:
    for found in procfs.processes():
        if found.pid > 1 and found.command.startswith("containerd"):
            os.kill(found.pid, signal.SIGKILL)


if __name__ == "__main__":
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    try:
        asyncio.run(main())
    finally:
        end_everything()
        Path("/out/seen.json").write_text(json.dumps(seen))
        sys.stdout.flush()
