"""Resource type RebootRequests.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

REBOOT_REQUEST_ID = "reboot-request"


class RebootRequest(resource.Resource["RebootRequest.Spec"]):
    """Exists when the machine is to reboot."""

    definition = resource.Definition(type="RebootRequests.runtime.talos.dev", namespace="runtime")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
