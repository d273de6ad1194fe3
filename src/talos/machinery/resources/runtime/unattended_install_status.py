"""Resource type UnattendedInstallStatuses.runtime.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import runtime as runtime_types

UNATTENDED_INSTALL_STATUS_ID = "unattended-install"


class UnattendedInstallStatus(resource.Resource["UnattendedInstallStatus.Spec"]):
    """How far an installation without a user is."""

    definition = resource.Definition(
        type="UnattendedInstallStatuses.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Phase", "{.phase}"),),
        message="talos.resource.definitions.runtime.UnattendedInstallStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"image", "phase", "error"})

        image: str = ""
        phase: runtime_types.UnattendedInstallPhase = runtime_types.UnattendedInstallPhase.PENDING
        error: str = ""
