"""Resource type ContainerInstanceSpecs.containers.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class ContainerRunAsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """User and groups of the container's process."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"uid", "gid"})

    uid: int | None = None
    gid: int | None = None


class ResolvedMountSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One mount with its source on the host."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"source", "size", "options"})

    kind: str = ""
    source: str = ""
    destination: str = ""
    size: int = 0
    options: tuple[str, ...] = ()


class ContainerSecuritySpec(msgspec.Struct, frozen=True, kw_only=True):
    """Capabilities and restrictions of the container."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"privileged", "capabilities_add", "capabilities_drop"})

    privileged: bool = False
    capabilities_add: tuple[str, ...] = msgspec.field(default=(), name="capabilitiesAdd")
    capabilities_drop: tuple[str, ...] = msgspec.field(default=(), name="capabilitiesDrop")


class ContainerNetworkSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Network namespace of the container."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"host_network"})

    host_network: bool = msgspec.field(default=False, name="hostNetwork")


class ContainerResourcesSpec(msgspec.Struct, frozen=True, kw_only=True):
    """CPU and memory limits of the container."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"memory_limit", "cpu_limit"})

    memory_limit: int = msgspec.field(default=0, name="memoryLimit")
    cpu_limit: int = msgspec.field(default=0, name="cpuLimit")


class ContainerInstanceSpec(resource.Resource["ContainerInstanceSpec.Spec"]):
    """A configured container with everything resolved that is needed to start it."""

    definition = resource.Definition(
        type="ContainerInstanceSpecs.containers.talos.dev",
        namespace="containers",
        aliases=(
            "containerinstancespec",
            "containerinstancespecs",
        ),
        print_columns=(
            resource.PrintColumn("Container", "{.containerID}"),
            resource.PrintColumn("Generation", "{.generation}"),
            resource.PrintColumn("Image", "{.image}"),
        ),
        message="talos.resource.definitions.containers.ContainerInstanceSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"entrypoint", "args", "working_dir", "run_as", "environment", "mounts", "security", "network", "resources"}
        )

        container_id: str = msgspec.field(default="", name="containerID")
        generation: int = 0
        image: str = ""
        entrypoint: tuple[str, ...] = ()
        args: tuple[str, ...] = ()
        working_dir: str = msgspec.field(default="", name="workingDir")
        run_as: ContainerRunAsSpec = msgspec.field(default_factory=ContainerRunAsSpec, name="runAs")
        environment: tuple[str, ...] = ()
        mounts: tuple[ResolvedMountSpec, ...] = ()
        security: ContainerSecuritySpec = msgspec.field(default_factory=ContainerSecuritySpec)
        network: ContainerNetworkSpec = msgspec.field(default_factory=ContainerNetworkSpec)
        resources: ContainerResourcesSpec = msgspec.field(default_factory=ContainerResourcesSpec)
