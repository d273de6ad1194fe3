"""Resource type MetaKeys.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class MetaKey(resource.Resource["MetaKey.Spec"]):
    """A value of the META partition; the id is its tag."""

    definition = resource.Definition(
        type="MetaKeys.runtime.talos.dev",
        namespace="runtime",
        aliases=("meta",),
        print_columns=(resource.PrintColumn("Value", "{.value}"),),
        message="talos.resource.definitions.runtime.MetaKeySpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        value: str = ""
