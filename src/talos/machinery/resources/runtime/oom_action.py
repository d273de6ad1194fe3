"""Resource type OOMActions.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class OOMAction(resource.Resource["OOMAction.Spec"]):
    """A control group that was killed because memory ran out."""

    definition = resource.Definition(
        type="OOMActions.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Time", "{.time}"),
            resource.PrintColumn("Score", "{.score}"),
        ),
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.runtime.OOMActionSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"trigger_context", "score", "processes"})

        trigger_context: str = msgspec.field(default="", name="triggerContext")
        score: float = 0.0
        processes: tuple[str, ...] = ()
