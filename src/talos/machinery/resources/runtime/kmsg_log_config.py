"""Resource type KmsgLogConfigs.runtime.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource
from talos.machinery.types import url

KMSG_LOG_CONFIG_ID = "kmsg-log"


class KmsgLogConfig(resource.Resource["KmsgLogConfig.Spec"]):
    """Where kernel messages are sent."""

    definition = resource.Definition(
        type="KmsgLogConfigs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.KmsgLogConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        destinations: tuple[str, ...] = ()

        def as_yaml(self, plain: dict[str, Any]) -> Any:
            """URLs are in parts."""
            plain["destinations"] = [url.parts(one, type(plain)) for one in self.destinations]
            return plain
