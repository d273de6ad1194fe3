"""Resource type Diagnostics.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class Diagnostic(resource.Resource["Diagnostic.Spec"]):
    """A warning about the machine, with details."""

    definition = resource.Definition(
        type="Diagnostics.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Message", "{.message}"),),
        message="talos.resource.definitions.runtime.DiagnosticSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        message: str = ""
        details: tuple[str, ...] = ()
