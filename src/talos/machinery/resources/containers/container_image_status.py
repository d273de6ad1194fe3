"""Resource type ContainerImageStatuses.containers.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import containers as containers_types


class ContainerImageStatus(resource.Resource["ContainerImageStatus.Spec"]):
    """How far the image of a configured container is pulled."""

    definition = resource.Definition(
        type="ContainerImageStatuses.containers.talos.dev",
        namespace="containers",
        aliases=(
            "containerimagestatus",
            "containerimagestatuses",
        ),
        print_columns=(
            resource.PrintColumn("Phase", "{.phase}"),
            resource.PrintColumn("Digest", "{.digest}"),
        ),
        message="talos.resource.definitions.containers.ContainerImageStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"digest", "error"})

        phase: containers_types.ContainerImagePhase = containers_types.ContainerImagePhase.PENDING
        image: str = ""
        digest: str = ""
        error: str = ""
