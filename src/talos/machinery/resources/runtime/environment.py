"""Resource type Environments.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class Environment(resource.Resource["Environment.Spec"]):
    """Environment variables for services."""

    definition = resource.Definition(
        type="Environments.runtime.talos.dev",
        namespace="runtime",
        aliases=("env",),
        print_columns=(resource.PrintColumn("Variables", "{.variables}"),),
        message="talos.resource.definitions.runtime.EnvironmentSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        variables: tuple[str, ...] = ()
