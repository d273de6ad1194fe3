"""Resource type KmsgLogConfigs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

KMSG_LOG_CONFIG_ID = "kmsg-log"


class KmsgLogConfig(resource.Resource["KmsgLogConfig.Spec"]):
    """Kmsg log config."""

    definition = resource.Definition(
        type="KmsgLogConfigs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.KmsgLogConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of KmsgLogConfig."""

        destinations: tuple[str, ...] = ()
