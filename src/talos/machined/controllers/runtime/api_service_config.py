"""How apid is to behave: with a certificate of the cluster, or in maintenance mode without one."""

from __future__ import annotations

from talos.base.constants import ports
from talos.cosi import controller
from talos.machinery.resources.runtime.api_service_config import API_SERVICE_CONFIG_ID, APIServiceConfig
from talos.machinery.resources.runtime.maintenance_service_config import (
    MAINTENANCE_SERVICE_CONFIG_ID,
    MaintenanceServiceConfig,
)
from talos.machinery.resources.runtime.maintenance_service_request import (
    MAINTENANCE_SERVICE_REQUEST_ID,
    MaintenanceServiceRequest,
)
from talos.machinery.resources.secrets.api_certificate import API_ID, ApiCertificate


class APIServiceConfigController(controller.Controller):
    """Certificates of the cluster win over a maintenance request."""

    inputs = (
        controller.weak(MaintenanceServiceRequest, id=MAINTENANCE_SERVICE_REQUEST_ID),
        controller.weak(MaintenanceServiceConfig, id=MAINTENANCE_SERVICE_CONFIG_ID),
        controller.weak(ApiCertificate, id=API_ID),
    )
    outputs = (controller.exclusive(APIServiceConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One of the two, or nothing."""
        certificates = await r.find(ApiCertificate, API_ID)
        request = await r.find(MaintenanceServiceRequest, MAINTENANCE_SERVICE_REQUEST_ID)
        if certificates is not None and not certificates.spec.skip_verifying_client_cert:
            spec = APIServiceConfig.Spec(listen_address=f":{ports.APID}")
        elif request is not None:
            maintenance = await r.find(MaintenanceServiceConfig, MAINTENANCE_SERVICE_CONFIG_ID)
            if maintenance is None:
                return
            spec = APIServiceConfig.Spec(
                listen_address=maintenance.spec.listen_address,
                node_routing_disabled=True,
                readonly_role_mode=True,
                skip_verifying_client_cert=True,
            )
        else:
            return
        await r.put(APIServiceConfig(API_SERVICE_CONFIG_ID, spec))
