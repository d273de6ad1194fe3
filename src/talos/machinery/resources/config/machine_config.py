"""Resource type MachineConfigs.config.talos.dev: the machine configuration the controllers work from.

Its YAML form is one string scalar that holds the whole configuration; the annotation says so to clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from talos.cosi import resource

if TYPE_CHECKING:
    from talos.machinery.config import container

ACTIVE_ID = "v1alpha1"
PERSISTENT_ID = "persistent"
YAML_ANNOTATION = "talos.dev/yaml-spec"


class MachineConfig(resource.Resource["MachineConfig.Spec"]):
    """The machine configuration in use (id v1alpha1) or to be used after the next boot (id persistent)."""

    definition = resource.Definition(
        type="MachineConfigs.config.talos.dev",
        namespace="config",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="resource.config.MachineConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """The configuration's bytes as the user wrote them."""

        source: bytes = b""

    @property
    def documents(self) -> container.Container:
        """The decoded configuration; decoding happens once for the same bytes. Raises Invalid."""
        return _load(self.spec.source)


_loaded: dict[bytes, container.Container] = {}
# The active and the persistent configuration, and what was active just before.
_KEPT = 4


def _load(source: bytes) -> container.Container:
    from talos.machinery.config import loader

    found = _loaded.get(source)
    if found is None:
        found = loader.load(source, name="machine config")
        while len(_loaded) >= _KEPT:
            del _loaded[next(iter(_loaded))]
        _loaded[source] = found
    return found
