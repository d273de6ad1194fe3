"""Layers of the network configuration: default < cmdline < platform < operator < configuration."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import msgspec

from talos.cosi import resource
from talos.cosi.generic import merge

CONFIG_NAMESPACE = "network-config"
R = TypeVar("R", bound=resource.Resource[Any])


class LayerMerge(merge.Merge[R]):
    """Merges the specs of all layers; the last layer that has an opinion wins, or wins per field.

    `by_field`: a field of a higher layer that is not at its default replaces the lower one. Without it the higher
    spec replaces the lower one whole.
    """

    layers: ClassVar[str] = CONFIG_NAMESPACE
    by_field: ClassVar[bool] = False

    def rank(self, source: R) -> int:
        """The layer's number."""
        return int(source.spec.config_layer.number)

    def merge(self, lower: Any, upper: Any) -> Any:
        """`upper` over `lower`."""
        return overlay(lower, upper) if self.by_field else upper


def overlay(lower: Any, upper: Any) -> Any:
    """`lower` with each field that `upper` says something about. Structs within are overlaid the same way."""
    changes: dict[str, Any] = {"config_layer": upper.config_layer}
    for field in msgspec.structs.fields(upper):
        name, value = field.name, getattr(upper, field.name)
        empty = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if name != "config_layer" and value != empty:
            changes[name] = value
    return msgspec.structs.replace(lower, **changes)
