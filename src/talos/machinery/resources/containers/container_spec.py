"""Resource type ContainerSpecs.containers.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.containers import container_instance_spec


class ContainerImageSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Image reference of a configured container."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"ref"})

    ref: str = ""


class ContainerMountSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One mount as configured."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"volume_id", "source", "size", "options"})

    kind: str = ""
    volume_id: str = msgspec.field(default="", name="volumeID")
    source: str = ""
    destination: str = ""
    size: int = 0
    options: tuple[str, ...] = ()


class ContainerDependsOnSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What must be there before the container starts."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"paths", "networks", "time", "containers"})

    paths: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    time: bool = False
    containers: tuple[str, ...] = ()


class ContainerSpec(resource.Resource["ContainerSpec.Spec"]):
    """A container of the machine configuration."""

    definition = resource.Definition(
        type="ContainerSpecs.containers.talos.dev",
        namespace="containers",
        aliases=(
            "containerspec",
            "containerspecs",
        ),
        print_columns=(resource.PrintColumn("Image", "{.image.ref}"),),
        message="talos.resource.definitions.containers.ContainerSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "entrypoint",
                "args",
                "working_dir",
                "run_as",
                "environment",
                "mounts",
                "security",
                "network",
                "resources",
                "depends_on",
            }
        )

        image: ContainerImageSpec = msgspec.field(default_factory=ContainerImageSpec)
        entrypoint: tuple[str, ...] = ()
        args: tuple[str, ...] = ()
        working_dir: str = msgspec.field(default="", name="workingDir")
        run_as: container_instance_spec.ContainerRunAsSpec = msgspec.field(
            default_factory=container_instance_spec.ContainerRunAsSpec, name="runAs"
        )
        environment: tuple[str, ...] = ()
        mounts: tuple[ContainerMountSpec, ...] = ()
        security: container_instance_spec.ContainerSecuritySpec = msgspec.field(
            default_factory=container_instance_spec.ContainerSecuritySpec
        )
        network: container_instance_spec.ContainerNetworkSpec = msgspec.field(
            default_factory=container_instance_spec.ContainerNetworkSpec
        )
        resources: container_instance_spec.ContainerResourcesSpec = msgspec.field(
            default_factory=container_instance_spec.ContainerResourcesSpec
        )
        depends_on: ContainerDependsOnSpec = msgspec.field(default_factory=ContainerDependsOnSpec, name="dependsOn")
