"""Document ContainerConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class ContainerRunAs(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    uid: int | None = None
    gid: int | None = None


class UserVolumeMount(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    name: str = ""
    destination: str = ""
    options: tuple[str, ...] = ()


class TmpfsMount(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    destination: str = ""
    size: str = ""
    options: tuple[str, ...] = ()


class HostPathMount(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    source: str = ""
    destination: str = ""
    options: tuple[str, ...] = ()


class ContainerMount(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    user_volume: UserVolumeMount | None = msgspec.field(default=None, name="userVolume")
    tmpfs: TmpfsMount | None = None
    host_path: HostPathMount | None = msgspec.field(default=None, name="hostPath")


class ContainerCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class ContainerSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    profile: str = ""
    capabilities: ContainerCapabilities | None = None


class ContainerNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    mode: str = ""


class ContainerResourceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    cpu: str = ""
    memory: str = ""


class ContainerResources(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    limits: ContainerResourceLimits | None = None


class ContainerDependsOn(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ContainerConfig."""

    paths: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    time: bool | None = None
    containers: tuple[str, ...] = ()


class ContainerConfig(document.Document, frozen=True, kw_only=True):
    """Container config."""

    kind: ClassVar[str] = "ContainerConfig"
    named: ClassVar[bool] = True

    name: str = ""
    image: str = ""
    entrypoint: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = msgspec.field(default="", name="workingDir")
    run_as: ContainerRunAs | None = msgspec.field(default=None, name="runAs")
    environment: tuple[str, ...] = ()
    mounts: tuple[ContainerMount, ...] = ()
    security: ContainerSecurity | None = None
    network: ContainerNetwork | None = None
    resources: ContainerResources | None = None
    depends_on: ContainerDependsOn | None = msgspec.field(default=None, name="dependsOn")
