"""Document ContainerConfig: a container the system runs by itself, without Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values

_NAME = re.compile(r"[a-z0-9-]+\Z")
_CAPABILITY = re.compile(r"[A-Z_]+\Z")
_CPU = re.compile(r"[0-9]+m?\Z")
MAX_NAME = 63
MOUNT_OPTIONS = ("ro", "rw", "noexec", "nosuid", "nodev", "noatime", "rbind", "rshared")
NETWORK_CONDITIONS = ("addresses", "connectivity", "hostname", "etcfiles")


def _absolute(found: findings.Findings, path: str, value: str) -> None:
    if found.require(value, path) and not value.startswith("/"):
        found.error(path, f"expected an absolute path, got {value!r}")


def _options(found: findings.Findings, path: str, options: Iterable[str]) -> None:
    given = tuple(options)
    for option in given:
        if option not in MOUNT_OPTIONS:
            found.error(path, f"{option!r} is none of {', '.join(MOUNT_OPTIONS)}")
    if "ro" in given and "rw" in given:
        found.error(path, "ro and rw contradict each other")


class ContainerRunAs(document.Section, frozen=True, kw_only=True):
    """Whom the container runs as; there are no user namespaces, 0 is root of the machine."""

    uid: values.I32 | None = None
    """User."""
    gid: values.I32 | None = None
    """Group."""


class UserVolumeMount(document.Section, frozen=True, kw_only=True):
    """A user volume."""

    name: Annotated[str, values.ALWAYS] = ""
    """Name of its UserVolumeConfig."""
    destination: Annotated[str, values.ALWAYS] = ""
    """Path in the container."""
    options: tuple[str, ...] = ()
    """Mount options; read-only unless `rw` is among them."""


class TmpfsMount(document.Section, frozen=True, kw_only=True):
    """Memory."""

    destination: Annotated[str, values.ALWAYS] = ""
    """Path in the container."""
    size: values.ByteSize = ""
    """How much."""
    options: tuple[str, ...] = ()
    """Mount options."""


class HostPathMount(document.Section, frozen=True, kw_only=True):
    """A path of the machine; it must be there."""

    source: Annotated[str, values.ALWAYS] = ""
    """Path on the machine."""
    destination: Annotated[str, values.ALWAYS] = ""
    """Path in the container."""
    options: tuple[str, ...] = ()
    """Mount options; read-only unless `rw` is among them."""


class ContainerMount(document.Section, frozen=True, kw_only=True):
    """Something mounted; exactly one of the three."""

    user_volume: UserVolumeMount | None = None
    """A user volume."""
    tmpfs: TmpfsMount | None = None
    """Memory."""
    host_path: HostPathMount | None = None
    """A path of the machine."""

    def check(self, found: findings.Findings, path: str) -> str:
        """Report what is wrong; returns the destination."""
        given = [(key, m) for key, m in self._mounts() if m is not None]
        if len(given) != 1:
            found.error(path, "exactly one of userVolume, tmpfs and hostPath has to be given")
            return ""
        key, mount = given[0]
        _absolute(found, f"{path}.{key}.destination", mount.destination)
        _options(found, f"{path}.{key}.options", mount.options)
        if isinstance(mount, UserVolumeMount):
            found.require(mount.name, f"{path}.{key}.name")
        if isinstance(mount, HostPathMount):
            _absolute(found, f"{path}.{key}.source", mount.source)
        return mount.destination

    def _mounts(self) -> list[tuple[str, UserVolumeMount | TmpfsMount | HostPathMount | None]]:
        return [("userVolume", self.user_volume), ("tmpfs", self.tmpfs), ("hostPath", self.host_path)]


class ContainerCapabilities(document.Section, frozen=True, kw_only=True):
    """Capabilities besides those of the profile, without CAP_."""

    add: tuple[str, ...] = ()
    """Given."""
    drop: tuple[str, ...] = ()
    """Taken; `ALL` takes every one."""

    def check(self, found: findings.Findings, path: str) -> None:
        """Report names that are none, and contradictions."""
        for key, names in (("add", self.add), ("drop", self.drop)):
            for n, name in enumerate(names):
                if name == "ALL" and key == "drop":
                    continue
                if name == "ALL" or name.startswith("CAP_") or not _CAPABILITY.match(name):
                    found.error(f"{path}.{key}[{n}]", f"expected a name such as NET_ADMIN, got {name!r}")
        for name in sorted(set(self.add) & set(self.drop)):
            found.error(path, f"{name} is both added and dropped")


class ContainerSecurity(document.Section, frozen=True, kw_only=True):
    """What the container may do."""

    profile: Annotated[str, values.Choice(("restricted", "privileged"))] = ""
    """restricted: no capability and no device, the default; privileged: all."""
    capabilities: ContainerCapabilities | None = None
    """Changes to the profile."""


class ContainerNetwork(document.Section, frozen=True, kw_only=True):
    """The container's network."""

    mode: Annotated[str, values.Choice(("none", "host"))] = ""
    """none: an empty namespace, the default; host: the machine's."""


class ContainerResourceLimits(document.Section, frozen=True, kw_only=True):
    """What the container can not exceed."""

    cpu: str = ""
    """Processor time in thousandths of a core: `1500m`."""
    memory: values.ByteSize = ""
    """Memory."""


class ContainerResources(document.Section, frozen=True, kw_only=True):
    """What the container gets."""

    limits: ContainerResourceLimits | None = None
    """The most."""


class ContainerDependsOn(document.Section, frozen=True, kw_only=True):
    """What has to be there before the container starts."""

    paths: tuple[str, ...] = ()
    """Paths on the machine."""
    networks: tuple[str, ...] = ()
    """Conditions of the network: addresses, connectivity, hostname, etcfiles."""
    time: bool | None = None
    """The clock is synchronised."""
    containers: tuple[str, ...] = ()
    """Other containers are running."""

    def check(self, found: findings.Findings, name: str) -> None:
        """Report what can not be waited for."""
        for n, path in enumerate(self.paths):
            _absolute(found, f"dependsOn.paths[{n}]", path)
        for n, condition in enumerate(self.networks):
            if condition not in NETWORK_CONDITIONS:
                found.error(f"dependsOn.networks[{n}]", f"{condition!r} is none of {', '.join(NETWORK_CONDITIONS)}")
        for n, other in enumerate(self.containers):
            if found.require(other, f"dependsOn.containers[{n}]") and other == name:
                found.error(f"dependsOn.containers[{n}]", "a container can not wait for itself")


class ContainerConfig(document.Document, frozen=True, kw_only=True):
    """A container beside Kubernetes. It starts as soon as it is configured and again when it ends."""

    kind: ClassVar[str] = "ContainerConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name: lower-case letters, digits and '-'; also of its log."""
    image: Annotated[str, values.ALWAYS] = ""
    """Image; best with a digest."""
    entrypoint: tuple[str, ...] = ()
    """Program, instead of the image's."""
    args: tuple[str, ...] = ()
    """Arguments, instead of the image's."""
    working_dir: str = ""
    """Directory to start in, instead of the image's."""
    run_as: ContainerRunAs | None = None
    """User and group, instead of the image's."""
    environment: tuple[str, ...] = ()
    """Variables, `NAME=value`, besides the image's."""
    mounts: tuple[ContainerMount, ...] = ()
    """What is mounted."""
    security: ContainerSecurity | None = None
    """What it may do."""
    network: ContainerNetwork | None = None
    """Its network."""
    resources: ContainerResources | None = None
    """What it gets."""
    depends_on: ContainerDependsOn | None = None
    """What has to be there first."""

    def validate(self, found: findings.Findings) -> None:
        """Names, paths and limits are such as the runtime takes."""
        if found.require(self.name, "name") and (len(self.name) > MAX_NAME or not _NAME.match(self.name)):
            found.error("name", f"expected lower-case letters, digits and '-', at most {MAX_NAME}: {self.name!r}")
        checks.required_image(found, self.image)
        if self.image and "@" not in self.image:
            found.warn("image", f"{self.image} has no digest: another image may run after a restart")
        for n, variable in enumerate(self.environment):
            if "=" not in variable:
                found.error(f"environment[{n}]", f"expected NAME=value, got {variable!r}")
        self._check_mounts(found)
        if self.security is not None and self.security.capabilities is not None:
            self.security.capabilities.check(found, "security.capabilities")
        limits = self.resources.limits if self.resources else None
        if limits is not None and limits.cpu and not _CPU.match(limits.cpu):
            found.error("resources.limits.cpu", f"expected thousandths of a core such as 1500m, got {limits.cpu!r}")
        if self.depends_on is not None:
            self.depends_on.check(found, self.name)
        for key, number in (("uid", self.run_as and self.run_as.uid), ("gid", self.run_as and self.run_as.gid)):
            if isinstance(number, int) and number < 0:
                found.error(f"runAs.{key}", f"must not be negative, got {number}")

    def _check_mounts(self, found: findings.Findings) -> None:
        seen: set[str] = set()
        for n, mount in enumerate(self.mounts):
            destination = mount.check(found, f"mounts[{n}]")
            if destination and destination in seen:
                found.error(f"mounts[{n}]", f"{destination} is mounted twice")
            seen.add(destination)

    @classmethod
    def example(cls) -> ContainerConfig:
        """A web server."""
        digest = "sha256:" + "0" * 64
        return cls(
            name="web",
            image=f"docker.io/library/nginx@{digest}",
            environment=("NGINX_PORT=8080",),
            mounts=(
                ContainerMount(user_volume=UserVolumeMount(name="pages", destination="/usr/share/nginx/html")),
                ContainerMount(tmpfs=TmpfsMount(destination="/tmp", size="64MiB")),
            ),
            network=ContainerNetwork(mode="host"),
            resources=ContainerResources(limits=ContainerResourceLimits(cpu="500m", memory="256MiB")),
            depends_on=ContainerDependsOn(networks=("addresses",), time=True),
        )
