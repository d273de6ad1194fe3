"""kubelet: runs the node's pods.

It sees the node as the node sees itself (processes, network, cgroups, devices) and its mounts reach the node: volumes
of pods are mounted by it and used by containerd.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from talos.base import errors
from talos.base.constants import cgroups, paths, ports, users
from talos.cosi import state
from talos.k8s import client as kubernetes
from talos.k8s import kubelet
from talos.linux import cgroup
from talos.machined.services import _conditions
from talos.machinery.resources.k8s import kubelet_config, kubelet_lifecycle, kubelet_spec
from talos.machinery.resources.runtime import environment
from talos.supervisor import condition, health, service
from talos.supervisor.containerd import client as containerd
from talos.supervisor.containerd import spec as oci
from talos.supervisor.runner import Runner, container

_API_WAIT_S = 30.0
_API_PAUSE_S = 0.25
_USER_VOLUMES = Path("/var/mnt")
_AUDIT = paths.LOG / "audit"
_CONTAINER_LOGS = paths.LOG / "containers"
_POD_LOGS = paths.LOG / "pods"


class Kubelet(service.Service):
    """kubelet in a container that shares everything with the node but its root file system."""

    id: ClassVar[str] = "kubelet"
    depends_on = ("cri",)
    api_actions = frozenset({service.Action.START, service.Action.RESTART})
    stop_grace_s = 10.0

    def __init__(self, store: state.State, client: containerd.Client) -> None:
        self._store, self._client = store, client
        self._spec: kubelet_spec.KubeletSpec.Spec | None = None
        self._env: tuple[str, ...] = ()
        self.health = health.HealthCheck(self._check, interval_s=5.0, timeout_s=5.0, initial_delay_s=0.2)

    def conditions(self) -> Sequence[condition.Condition]:
        """Time, network, and for a node without a certificate an API server that would give it one."""
        store = self._store
        return (
            _conditions.time_synced(store),
            _conditions.network_ready(store),
            condition.Call("the Kubernetes API to take certificate requests", _api_ready),
        )

    async def prepare(self) -> None:
        """Make the directories the kubelet expects and tell that it is about to start."""
        self._spec = (await self._store.get(kubelet_spec.KubeletSpec, kubelet_config.KUBELET_ID)).spec
        self._env = tuple(v for e in await self._store.list(environment.Environment) for v in e.spec.variables)
        for path in (paths.KUBELET_DATA, paths.SECCOMP_PROFILES, _AUDIT, _CONTAINER_LOGS, _POD_LOGS, _USER_VOLUMES):
            path.mkdir(parents=True, exist_ok=True)
        lifecycle = kubelet_lifecycle.KubeletLifecycle(kubelet_lifecycle.KUBELET_LIFECYCLE_ID)
        await state.put(self._store, lifecycle)

    def runner(self) -> Runner:
        """The container."""
        assert self._spec is not None
        part = cgroups.KUBELET
        options = oci.Options(
            args=("/usr/local/bin/kubelet", *self._spec.args),
            env=self._env,
            mounts=(*_mounts(), *map(_extra_mount, self._spec.extra_mounts)),
            capabilities=None,
            no_new_privileges=False,
            host_namespaces=frozenset({"network", "pid", "cgroup"}),
            cgroup=f"/{part.path}",
            oom_score_adj=users.KUBELET_OOM_SCORE_ADJ,
            masked=False,
            devices=True,
            root_propagation="shared",
        )
        limits = cgroup.Limits(
            memory_min_bytes=part.reserved_bytes, memory_low_bytes=part.low_bytes, millicores=part.millicores
        )
        return container.Container(self._client, self.id, self._spec.image, options, limits=limits)

    async def _check(self) -> None:
        await health.http_ok("127.0.0.1", ports.KUBELET_HEALTH)


def _mounts() -> list[oci.Mount]:
    """Return what of the node the kubelet sees; parts a node does not have are left out."""
    found = [
        oci.bind("/dev"),
        oci.bind("/sys", read_only=True),
        oci.bind("/sys/fs/cgroup"),
        oci.bind("/usr/lib/modules", "/lib/modules", read_only=True),
        oci.bind(str(paths.KUBERNETES_CONFIG)),
        oci.bind(kubelet.CREDENTIAL_PROVIDER_BINARIES, read_only=True),
        oci.bind("/etc/nfsmount.conf", read_only=True),
        oci.bind("/etc/machine-id", read_only=True),
        oci.bind("/etc/os-release", read_only=True),
        oci.bind("/etc/hosts", read_only=True),
        oci.bind(str(paths.POD_RESOLV_CONF), read_only=True),
        oci.bind("/etc/cni", read_only=True),
        oci.bind("/sys/kernel/security", read_only=True),
        oci.bind(str(_USER_VOLUMES), read_only=True, propagation="slave"),
    ]
    always = [
        oci.bind("/run", propagation="slave"),
        oci.bind("/run", "/var/run", propagation="slave"),
        oci.bind(str(paths.CONTAINERD_ROOT), propagation="slave"),
        oci.bind(str(paths.KUBELET_DATA), propagation="shared"),
        oci.bind(str(_CONTAINER_LOGS)),
        oci.bind(str(_POD_LOGS)),
    ]
    return [mount for mount in found if Path(mount.source).exists()] + always


def _extra_mount(entry: dict[str, Any]) -> oci.Mount:
    source = str(entry.get("source", ""))
    if entry.get("type", "bind") == "bind" and source:
        Path(source).mkdir(mode=0o700, parents=True, exist_ok=True)
    options = tuple(str(option) for option in entry.get("options") or ("rbind",))
    return oci.Mount(str(entry["destination"]), source, str(entry.get("type") or "bind"), options)


async def _api_ready() -> None:
    """Return when the API takes our bootstrap token, at once if the kubelet has a certificate, at last after a while.

    A kubelet that asks too early backs off for seconds, then for minutes. Static pods do not need the API, so a node
    whose API stays away gets its kubelet all the same.
    """
    if (paths.KUBELET_PKI / "kubelet-client-current.pem").exists() and paths.KUBELET_KUBECONFIG.exists():
        return
    deadline = asyncio.get_running_loop().time() + _API_WAIT_S
    while asyncio.get_running_loop().time() < deadline:
        try:
            text = paths.KUBELET_BOOTSTRAP_KUBECONFIG.read_text()
            async with kubernetes.Client.from_kubeconfig(text, timeout_s=5) as api:
                await api.request("GET", kubernetes.CERTIFICATE_REQUESTS.path(), query={"limit": 1})
        except (OSError, TimeoutError, errors.TalosError):
            await asyncio.sleep(_API_PAUSE_S)
        else:
            return
