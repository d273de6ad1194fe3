"""A whole control plane node from the built root file system, without a provisioner: boot, API, deaths, ways down."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2

from talos.cosi import state
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.client import remote_state
from talos.machinery.config import generate
from talos.machinery.resources.runtime import machine_status
from talos.machinery.rpc import channel
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType
from talos.machinery.types.runtime import MachineStage
from talos.pki import bundle, tls
from tests import capabilities

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = "10.5.0.2"
MACHINE = "/machine.MachineService/"
SERVICES = ("apid", "trustd", "cri", "kubelet", "etcd")
pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_netns,
    pytest.mark.needs_artifacts,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # Connections to a server that was killed in the handshake are left to the garbage collector by asyncio.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Node:
    """The node in its box; calls go to it from a process in its network namespace."""

    def __init__(self, work: Path) -> None:
        self.work = work
        secrets = bundle.generate()
        wanted = generate.GenerateInput(
            "box", f"https://{ADDRESS}:6443", secrets, cluster_discovery=False, allow_scheduling_on_control_planes=True
        )
        self.config = generate.generate(wanted, MachineType.CONTROL_PLANE).encode()
        admin = bundle.admin_certificate(secrets)
        self.tls = tls.client_context(
            pem.CertificateAndKey(crt=admin.crt, key=admin.key), (pem.Certificate(crt=secrets.os.crt),)
        )
        self.box: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        work, artifacts = self.work, capabilities.artifacts_dir().resolve()
        binds = {work / "var": "/var", work / "state": "/system/state", artifacts / "images": "/system/imagecache"}
        environment = {"PLATFORM": "container", "USERDATA": base64.b64encode(self.config).decode()}
        command = [sys.executable, str(ROOT / "tests/privileged/box.py"), "--scratch", str(work / "scratch")]
        command += ["--lower", str(work / "rootfs"), "--read-only", "--hostname", "box-1"]
        command += ["--address", f"{ADDRESS}/24", "--gateway", "10.5.0.1"]
        command += [word for source, target in binds.items() for word in ("--bind", f"{source}:{target}")]
        command += [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        with (work / "console.log").open("ab") as log:
            self.box = subprocess.Popen([*command, "--", "/usr/bin/init"], stdout=log, stderr=log)

    @property
    def first(self) -> int:
        """Host pid of the node's PID 1."""
        assert self.box is not None
        pid = self.box.pid
        for _ in range(2):
            (pid,) = (int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return pid

    def record(self, name: str) -> int:
        """Pid of a service inside the node, 0 when it has none."""
        try:
            path = Path(f"/proc/{self.first}/root/run/machined/services/{name}.json")
            return int(json.loads(path.read_text())["pid"])
        except (OSError, ValueError):
            return 0

    def host_pid(self, inside: int) -> int:
        """Host pid of a process of the node; one of a container has further pids in its own namespace."""
        assert self.box is not None
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if not entry.name.isdigit() or f"/talos-box-{self.box.pid}/" not in (entry / "cgroup").read_text():
                    continue
                line = next(one for one in (entry / "status").read_text().splitlines() if one.startswith("NSpid"))
                if line.split()[2:3] == [str(inside)]:
                    return int(entry.name)
        raise LookupError(inside)

    def machined(self) -> int:
        """Host pid of machined, 0 while there is none."""
        for child in Path(f"/proc/{self.first}/task/{self.first}/children").read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"/usr/bin/machined"):
                    return int(child)
        return 0

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncIterator[channel.Channel]:
        """A connection to the node's API, made in its network namespace."""
        here, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/proc/{self.first}/ns/net", os.O_RDONLY)
        libc = ctypes.CDLL(None)
        made = channel.Channel.tcp(ADDRESS, 50000, tls=self.tls)
        try:
            libc.setns(there, 0)
            yield made
        finally:
            made.close()
            libc.setns(here, 0)
            os.close(here)
            os.close(there)

    async def call(self, name: str, request: Any = None) -> Any:
        async with self.api() as connection:
            asked = empty_pb2.Empty() if request is None else request
            return await connection.unary(methods.method(MACHINE + name), asked, timeout_s=10)

    async def services(self) -> dict[str, machine_pb2.ServiceInfo]:
        answer = await self.call("ServiceList")
        return {one.id: one for one in answer.messages[0].services}

    async def wait_healthy(self, timeout_s: float, *names: str) -> float:
        """Seconds until the services are healthy."""
        began = time.monotonic()
        last: Any = None
        while time.monotonic() - began < timeout_s:
            try:
                last = await self.services()
                if all(name in last and last[name].health.healthy for name in names):
                    return time.monotonic() - began
            except Exception as error:
                last = error
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{names}: {last}\n{(self.work / 'console.log').read_text()[-3000:]}")

    def end(self) -> None:
        if self.box is not None and self.box.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                os.kill(self.first, signal.SIGKILL)
            self.box.wait(30)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    work = tmp_path_factory.mktemp("node")
    for name in ("scratch", "var", "state"):
        (work / name).mkdir()
    image = capabilities.artifacts_dir().resolve() / "rootfs.sqsh"
    subprocess.run(["unsquashfs", "-d", str(work / "rootfs"), str(image)], check=True, capture_output=True)
    made = Node(work)
    made.start()
    yield made
    made.end()


@pytest.mark.feature("H003", "H007", "H009", "R001")
async def test_it_boots_and_answers(node: Node) -> None:
    await node.wait_healthy(30, "machined", "apid", "trustd", "cri", "kubelet")
    services = await node.services()
    assert services["etcd"].state == "Preparing"
    version = (await node.call("Version")).messages[0]
    assert (version.platform.name, version.platform.mode) == ("container", "container")


@pytest.mark.feature("H015")
async def test_bootstrap_brings_etcd_and_the_boot_to_its_end(node: Node) -> None:
    await node.call("Bootstrap", machine_pb2.BootstrapRequest())
    await node.wait_healthy(60, "etcd")
    seen: list[machine_pb2.SequenceEvent] = []
    async with node.api() as connection:
        request = machine_pb2.EventsRequest(tail_events=-1)
        stream = connection.stream(methods.method(MACHINE + "Events"), request, timeout_s=20)
        async for event in stream:
            if event.data.type_url.endswith("SequenceEvent"):
                seen.append(machine_pb2.SequenceEvent.FromString(event.data.value))
                if seen[-1].sequence == "boot" and seen[-1].action == machine_pb2.SequenceEvent.STOP:
                    break
    assert [(one.sequence, one.action) for one in seen] == [
        ("initialize", machine_pb2.SequenceEvent.START),
        ("initialize", machine_pb2.SequenceEvent.STOP),
        ("boot", machine_pb2.SequenceEvent.START),
        ("boot", machine_pb2.SequenceEvent.STOP),
    ]


@pytest.mark.feature("H029")
async def test_it_becomes_running_and_ready(node: Node) -> None:
    async with node.api() as connection:
        store = remote_state.RemoteState(connection)
        found = await state.wait_for(
            store,
            machine_status.MachineStatus,
            machine_status.MACHINE_STATUS_ID,
            lambda one: one is not None and one.spec.status.ready,
            timeout_s=90,
        )
    assert found is not None
    assert found.spec.stage is MachineStage.RUNNING


async def test_the_death_of_machined_ends_nothing_else(node: Node) -> None:
    before = {name: node.record(name) for name in SERVICES}
    assert all(before.values())
    pods = await _settled_pods(node)
    for _ in range(3):
        gone = node.machined()
        os.kill(gone, signal.SIGKILL)
        while node.machined() in (0, gone):
            await asyncio.sleep(0.01)
        assert await node.wait_healthy(20, "machined", *SERVICES) < 5
    assert {name: node.record(name) for name in SERVICES} == before
    assert await _wait_pods(node) >= pods


async def _wait_pods(node: Node) -> set[tuple[str, int]]:
    """Running static pods of the control plane with their pids."""
    for _ in range(300):
        answer = await node.call("Containers", machine_pb2.ContainersRequest(namespace="k8s.io", driver=1))
        found = {
            (one.name, one.pid)
            for one in answer.messages[0].containers
            if one.status == "CONTAINER_RUNNING" and one.name.startswith("kube-")
        }
        if {"kube-apiserver", "kube-scheduler", "kube-controller-manager"} <= {name for name, _ in found}:
            return found
        await asyncio.sleep(0.2)
    raise TimeoutError("static pods do not run")


async def _settled_pods(node: Node) -> set[tuple[str, int]]:
    """The static pods once none was restarted for a while: the first starts fail as long as the API is not there."""
    found, since = await _wait_pods(node), time.monotonic()
    while time.monotonic() - since < 12:
        await asyncio.sleep(0.5)
        if (now := await _wait_pods(node)) != found:
            found, since = now, time.monotonic()
    return found


@pytest.mark.feature("H034")
@pytest.mark.parametrize("name", SERVICES)
async def test_a_killed_service_is_back(node: Node, name: str) -> None:
    pods = await _wait_pods(node)
    inside = node.record(name)
    began = time.monotonic()
    os.kill(node.host_pid(inside), signal.SIGKILL)
    while node.record(name) in (0, inside):
        await asyncio.sleep(0.005)
    assert time.monotonic() - began < 3
    await node.wait_healthy(20, name)
    if name in {"apid", "trustd", "cri", "kubelet"}:
        assert await _wait_pods(node) >= pods


@pytest.mark.feature("H035")
async def test_everything_is_in_its_cgroup(node: Node) -> None:
    places = {
        "apid": "/system/apid",
        "cri": "/podruntime/runtime",
        "kubelet": "/podruntime/kubelet",
        "etcd": "/podruntime/etcd",
    }
    for name, place in places.items():
        lines = Path(f"/proc/{node.host_pid(node.record(name))}/cgroup").read_text().splitlines()
        # A bare v2 hierarchy beside v1 carries no controllers and is left alone.
        placed = [line for line in lines if not line.startswith("0::")] or lines
        assert [line for line in placed if not line.endswith(place)] == []
    assert all(line.endswith("/init") for line in Path(f"/proc/{node.machined()}/cgroup").read_text().splitlines())


@pytest.mark.feature("H004")
async def test_directories_and_limits_of_the_start(node: Node) -> None:
    root = Path(f"/proc/{node.first}/root")
    expected = {"system/run/machined": (0o771, 50), "system/run/apid": (0o750, 50), "system/secrets": (0o711, 0)}
    for name, (mode, owner) in expected.items():
        found = (root / name).stat()
        assert (found.st_mode & 0o777, found.st_uid) == (mode, owner), name
    socket = (root / "system/run/machined/machine.sock").stat()
    assert (socket.st_mode & 0o777, socket.st_uid) == (0o660, 50)
    limits = {
        "memory/system/apid/memory.limit_in_bytes": 128 * 1024 * 1024,
        "system/apid/memory.max": 128 * 1024 * 1024,
    }
    seen = [(root / "sys/fs/cgroup" / name, value) for name, value in limits.items()]
    assert [int(path.read_text()) == value for path, value in seen if path.exists()] == [True]


async def test_memory(node: Node) -> None:
    limits = {node.machined(): 96, node.host_pid(node.record("apid")): 40, node.host_pid(node.record("trustd")): 32}
    for pid, limit_mib in limits.items():
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        pss_kib = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        assert pss_kib < limit_mib * 1024


async def test_daemons_have_no_privileges(node: Node) -> None:
    for name, uid in (("apid", "50"), ("trustd", "51")):
        status = Path(f"/proc/{node.host_pid(node.record(name))}/status").read_text()
        fields = {key: value.strip() for key, _, value in (line.partition(":") for line in status.splitlines())}
        assert fields["Uid"].split() == [uid] * 4
        assert {int(fields[key], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
        assert fields["NoNewPrivs"] == "1"


@pytest.mark.feature("Q002", "Q003", "Q001")
async def test_logs_are_kept(node: Node) -> None:
    ids = (await node.call("LogsContainers")).messages[0].ids
    assert {"apid", "controller-runtime", "cri", "etcd", "kubelet", "machined", "trustd"} <= set(ids)
    assert (node.work / "var/log/machined.log").stat().st_size > 1000


@pytest.mark.feature("H016", "R004")
async def test_reboot_and_shutdown(node: Node) -> None:
    assert node.box is not None
    await node.call("Reboot", machine_pb2.RebootRequest())
    assert node.box.wait(60) == 42
    assert (node.work / "state/config.yaml").read_bytes() == node.config
    node.start()
    await node.wait_healthy(60, "machined", *SERVICES)
    os.kill(node.first, signal.SIGTERM)
    assert node.box.wait(60) == 0
    left = [one for one in Path("/sys/fs/cgroup").glob("*/talos-box-*") if str(node.box.pid) in one.name]
    assert not left
