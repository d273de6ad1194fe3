"""Static pod manifests of the control plane.

Each component runs under a user of its own with a read-only root and no capability it does not need; its secrets and
configuration come from host directories only that user reads. The annotations carry versions of those files, so a
change of a certificate makes the kubelet restart the pod.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from talos.base.constants import paths, ports, users
from talos.k8s import component, flags, quantity
from talos.k8s.encode import Object

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import api_server_config, controller_manager_config, scheduler_config

SECRETS_VERSION: Final = "talos.dev/secrets-version"
CONFIG_VERSION: Final = "talos.dev/config-version"
CONFIG_FILE_VERSION: Final = "talos.dev/config-file-version"
API_SERVER: Final = "kube-apiserver"
CONTROLLER_MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"

_SYSTEM_CRITICAL_PRIORITY = 2_000_000_000
_GO_MEMORY_PERCENT = 95


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of what a pod reads: certificates and keys, its configuration resource, its configuration files."""

    secrets: str
    config: str
    config_files: str = ""

    def annotations(self) -> dict[str, str]:
        """Return the annotations that restart a pod when one of them changes."""
        found = {SECRETS_VERSION: self.secrets, CONFIG_VERSION: self.config}
        return found | ({CONFIG_FILE_VERSION: self.config_files} if self.config_files else {})


def resources(wanted: api_server_config.Resources, default_cpu: str, default_memory: str) -> dict[str, dict[str, str]]:
    """Return requests and limits of a container; requests have defaults. Raises Invalid."""
    requests = {"cpu": default_cpu, "memory": default_memory} | {k: v for k, v in wanted.requests.items() if v}
    limits = {k: v for k, v in wanted.limits.items() if v}
    for value in (*requests.values(), *limits.values()):
        quantity.parse(value)
    return {"requests": requests, **({"limits": limits} if limits else {})}


def environment(variables: Mapping[str, str]) -> list[Object]:
    """Return environment variables sorted by name; `$` is doubled, since Kubernetes expands `$(NAME)` in values."""
    return [{"name": name, "value": variables[name].replace("$", "$$")} for name in sorted(variables)]


def memory_limit(wanted: Mapping[str, Mapping[str, str]]) -> list[Object]:
    """Return GOMEMLIMIT a little below the container's memory limit, or nothing without a limit."""
    limit = wanted.get("limits", {}).get("memory")
    if not limit or quantity.parse(limit) <= 0:
        return []
    return [{"name": "GOMEMLIMIT", "value": str(int(quantity.parse(limit)) * _GO_MEMORY_PERCENT // 100)}]


def field(name: str, path: str) -> Object:
    """Return an environment variable filled from the pod's own fields."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _host(name: str, path: Path | str) -> Object:
    return {"name": name, "hostPath": {"path": str(path)}}


def _mount(name: str, path: Path | str, *, read_only: bool = False) -> Object:
    return {"name": name, "mountPath": str(path), **({"readOnly": True} if read_only else {})}


def _probe(path: str, port: int, **settings: int) -> Object:
    get = {"host": "localhost", "path": path, "port": port, "scheme": "HTTPS"}
    return {"httpGet": get, "timeoutSeconds": 15, **settings}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pod:
    name: str
    image: str
    command: Sequence[str]
    user: int
    directories: Sequence[tuple[str, Path, bool]]
    extra_volumes: Sequence[api_server_config.ExtraVolume]
    variables: Mapping[str, str]
    resources: Mapping[str, Mapping[str, str]]
    probes: Mapping[str, Object]
    versions: Versions
    capabilities: Sequence[str] = ()

    def render(self) -> Object:
        mounts = [_mount(n, path, read_only=ro) for n, path, ro in self.directories]
        mounts += [_mount("tmp", "/tmp"), _mount("run", "/var/run/kubernetes")]
        mounts += [_mount(v.name, v.mount_path, read_only=v.read_only) for v in self.extra_volumes]
        volumes = [_host(n, path) for n, path, _ in self.directories]
        volumes += [{"name": n, "emptyDir": {"medium": "Memory"}} for n in ("tmp", "run")]
        volumes += [_host(v.name, v.host_path) for v in self.extra_volumes]
        labels = {
            "tier": "control-plane",
            "k8s-app": self.name,
            "component": self.name,
            "app.kubernetes.io/name": self.name,
            "app.kubernetes.io/version": component.version_label(self.image),
            "app.kubernetes.io/component": "control-plane",
            "app.kubernetes.io/managed-by": "Talos",
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name,
                "namespace": "kube-system",
                "annotations": self.versions.annotations(),
                "labels": labels,
            },
            "spec": {
                "priority": _SYSTEM_CRITICAL_PRIORITY,
                "priorityClassName": "system-cluster-critical",
                "hostNetwork": True,
                "securityContext": {"runAsNonRoot": True, "runAsUser": self.user, "runAsGroup": self.user},
                "containers": [self._container(mounts)],
                "volumes": volumes,
            },
        }

    def _container(self, mounts: list[Object]) -> Object:
        capabilities: dict[str, Any] = {"drop": ["ALL"]}
        if self.capabilities:
            capabilities["add"] = list(self.capabilities)
        return {
            "name": self.name,
            "image": self.image,
            "command": list(self.command),
            "env": [field("POD_IP", "status.podIP"), *environment(self.variables), *memory_limit(self.resources)],
            "resources": self.resources,
            "volumeMounts": mounts,
            **self.probes,
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": capabilities,
                "readOnlyRootFilesystem": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }


def api_server(spec: api_server_config.APIServerConfig.Spec, versions: Versions) -> Object:
    """Return the pod of kube-apiserver. Raises Invalid for quantities that are none."""
    port = spec.local_port
    probes = {
        "readinessProbe": _probe("/readyz", port, failureThreshold=3, periodSeconds=1),
        "livenessProbe": _probe("/livez", port, failureThreshold=8, initialDelaySeconds=10, periodSeconds=10),
    }
    if spec.startup_probes_enabled:
        probes["startupProbe"] = _probe("/livez", port, failureThreshold=24, initialDelaySeconds=10, periodSeconds=10)
    return _Pod(
        name=API_SERVER,
        image=spec.image,
        command=spec.args,
        user=users.API_SERVER,
        directories=(
            ("secrets", flags.API_SERVER_SECRETS, True),
            ("config", flags.API_SERVER_CONFIG, True),
            ("audit", paths.KUBERNETES_AUDIT_LOG, False),
        ),
        extra_volumes=spec.extra_volumes,
        variables=spec.environment_variables,
        resources=resources(spec.resources, "200m", "512Mi"),
        probes=probes,
        versions=versions,
        # A user may move the API to a port below 1024.
        capabilities=("NET_BIND_SERVICE",),
    ).render()


def controller_manager(spec: controller_manager_config.ControllerManagerConfig.Spec, versions: Versions) -> Object:
    """Return the pod of kube-controller-manager. Raises Invalid for quantities that are none."""
    port = ports.CONTROLLER_MANAGER
    # A minute to start, as the original gives, but asked each second: the first look comes too early nearly always.
    return _Pod(
        name=CONTROLLER_MANAGER,
        image=spec.image,
        command=spec.args,
        user=users.CONTROLLER_MANAGER,
        directories=(("secrets", flags.CONTROLLER_MANAGER_SECRETS, True),),
        extra_volumes=spec.extra_volumes,
        variables=spec.environment_variables,
        resources=resources(spec.resources, "50m", "256Mi"),
        probes={
            "startupProbe": _probe("/healthz", port, failureThreshold=60, periodSeconds=1),
            "livenessProbe": _probe("/healthz", port),
        },
        versions=versions,
    ).render()


def scheduler(spec: scheduler_config.SchedulerConfig.Spec, versions: Versions) -> Object:
    """Return the pod of kube-scheduler. Raises Invalid for quantities that are none."""
    port = ports.SCHEDULER
    return _Pod(
        name=SCHEDULER,
        image=spec.image,
        command=spec.args,
        user=users.SCHEDULER,
        directories=(("secrets", flags.SCHEDULER_SECRETS, True), ("config", flags.SCHEDULER_CONFIG, True)),
        extra_volumes=spec.extra_volumes,
        variables=spec.environment_variables,
        resources=resources(spec.resources, "10m", "64Mi"),
        probes={
            "startupProbe": _probe("/livez", port, failureThreshold=60, periodSeconds=1),
            "livenessProbe": _probe("/livez", port),
            # Kubelet lets a probe wait a random part of its period first, and the node is ready no sooner.
            "readinessProbe": _probe("/readyz", port, periodSeconds=1),
        },
        versions=versions,
    ).render()
