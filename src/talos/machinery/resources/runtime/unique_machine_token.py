"""Resource type UniqueMachineTokens.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

UNIQUE_MACHINE_TOKEN_ID = "unique-machine-token"


class UniqueMachineToken(resource.Resource["UniqueMachineToken.Spec"]):
    """Token by which the machine is known to its management server."""

    definition = resource.Definition(
        type="UniqueMachineTokens.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Token", "{.token}"),),
        message="talos.resource.definitions.runtime.UniqueMachineTokenSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        token: str = ""
