"""Resource type APIServiceConfigs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

API_SERVICE_CONFIG_ID = "apid"


class APIServiceConfig(resource.Resource["APIServiceConfig.Spec"]):
    """How the machine's API is to be served."""

    definition = resource.Definition(
        type="APIServiceConfigs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.APIServiceConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        listen_address: str = msgspec.field(default="", name="listenAddress")
        node_routing_disabled: bool = msgspec.field(default=False, name="nodeRoutingDisabled")
        readonly_role_mode: bool = msgspec.field(default=False, name="readonlyRoleMode")
        skip_verifying_client_cert: bool = msgspec.field(default=False, name="skipVerifyingClientCert")
