"""Resource type MaintenanceServiceRequests.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

MAINTENANCE_SERVICE_REQUEST_ID = "maintenance"


class MaintenanceServiceRequest(resource.Resource["MaintenanceServiceRequest.Spec"]):
    """Exists while the API of maintenance mode is to run."""

    definition = resource.Definition(type="MaintenanceServiceRequests.runtime.talos.dev", namespace="runtime")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
