"""Resource type MetaLoads.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

META_LOADED_ID = "meta-loaded"


class MetaLoad(resource.Resource["MetaLoad.Spec"]):
    """Tells that META has been read."""

    definition = resource.Definition(
        type="MetaLoads.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Done", "{.done}"),),
        message="talos.resource.definitions.runtime.MetaLoadedSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        done: bool = False
