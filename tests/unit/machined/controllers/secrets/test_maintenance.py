"""The certificate of the API without a configuration, and the change to the one with it."""

from __future__ import annotations

import logging

import pytest
from cryptography import x509 as crypto
from cryptography.x509.oid import NameOID

from talos.machined.controllers.runtime.api_service_config import APIServiceConfigController
from talos.machined.controllers.runtime.maintenance_config import MaintenanceConfigController
from talos.machined.controllers.runtime.maintenance_service_inform import MaintenanceServiceInformController
from talos.machined.controllers.secrets import root_os
from talos.machined.controllers.secrets.api import APIController
from talos.machined.controllers.secrets.api_cert_sans import APICertSANsController
from talos.machined.controllers.secrets.maintenance_cert_sans import MaintenanceCertSANsController
from talos.machined.controllers.secrets.maintenance_root import MaintenanceRootController
from talos.machinery.config import generate
from talos.machinery.resources.config import machine_type
from talos.machinery.resources.network import hostname_status, node_address
from talos.machinery.resources.runtime.api_service_config import API_SERVICE_CONFIG_ID, APIServiceConfig
from talos.machinery.resources.runtime.maintenance_service_request import MaintenanceServiceRequest
from talos.machinery.resources.secrets import api_certificate, maintenance_root_secret, os_root_secret
from talos.machinery.types.machine import MachineType
from talos.pki import bundle, x509
from talos.testing import ctest

_SECRETS = bundle.generate()
_INPUT = generate.GenerateInput("c", "https://10.5.0.2:6443", _SECRETS)
CONTROLLERS = (
    APIController,
    APICertSANsController,
    APIServiceConfigController,
    MaintenanceCertSANsController,
    MaintenanceConfigController,
    MaintenanceRootController,
    MaintenanceServiceInformController,
)


async def _node(bench: ctest.Bench) -> None:
    for id in ("accumulative", "accumulative-no-k8s", "current"):
        await bench.put(node_address.NodeAddress(id, node_address.NodeAddress.Spec(addresses=("10.5.0.2/24",))))
    await bench.put(hostname_status.HostnameStatus("hostname", hostname_status.HostnameStatus.Spec(hostname="n1")))


async def _certificate(bench: ctest.Bench) -> api_certificate.ApiCertificate.Spec:
    return (await bench.expect(api_certificate.ApiCertificate, api_certificate.API_ID)).spec


@pytest.mark.feature("E183", "E211", "E212", "E225", "E232", "E233", "B025", "D191", "D166")
async def test_a_certificate_without_a_configuration(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "maintenance")
    async with ctest.bench(*(made() for made in CONTROLLERS)) as bench:
        await _node(bench)
        await bench.settle()
        assert await bench.ids(api_certificate.ApiCertificate) == []
        assert await bench.ids(maintenance_root_secret.MaintenanceRootSecret) == []
        await bench.put(MaintenanceServiceRequest("maintenance"))
        spec = await _certificate(bench)
        assert spec.skip_verifying_client_cert
        assert (spec.client, len(spec.accepted_c_as)) == (None, 1)
        assert spec.server is not None
        (certificate,) = x509.load_certificates(spec.server.crt)
        certificate.verify_directly_issued_by(x509.load_certificates(spec.accepted_c_as[0].crt)[0])
        (common,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert common.value == "maintenance-service.talos.dev"
        names = certificate.extensions.get_extension_for_class(crypto.SubjectAlternativeName).value
        assert {str(a) for a in names.get_values_for_type(crypto.IPAddress)} == {"10.5.0.2"}
        assert set(names.get_values_for_type(crypto.DNSName)) == {"n1", "maintenance-service.talos.dev"}
        config = (await bench.expect(APIServiceConfig, API_SERVICE_CONFIG_ID)).spec
        assert (config.node_routing_disabled, config.readonly_role_mode) == (True, True)
        pin = x509.spki_fingerprint(x509.pem_blocks(spec.server.crt)[0][1])
        assert [pin in record.getMessage() for record in caplog.records] == [False, True]
        # The same again is nothing to say.
        await bench.put(hostname_status.HostnameStatus("hostname", hostname_status.HostnameStatus.Spec(hostname="n1")))
        assert len(caplog.records) == 2


@pytest.mark.feature("E183", "E225", "H036")
async def test_the_configuration_replaces_it() -> None:
    async with ctest.bench(*(made() for made in CONTROLLERS)) as bench:
        await _node(bench)
        await bench.put(MaintenanceServiceRequest("maintenance"))
        before = await _certificate(bench)
        root = root_os.plan(generate.generate(_INPUT, MachineType.CONTROL_PLANE))
        await bench.put(os_root_secret.OSRootSecret(os_root_secret.OS_ROOT_ID, root))
        kind = machine_type.MachineType.Spec(machine_type=MachineType.CONTROL_PLANE)
        await bench.put(machine_type.MachineType(machine_type.MACHINE_TYPE_ID, kind))
        await bench.destroy(MaintenanceServiceRequest, "maintenance")
        found = await bench.expect(
            api_certificate.ApiCertificate, api_certificate.API_ID, lambda one: not one.spec.skip_verifying_client_cert
        )
        assert found.spec.server is not None
        assert found.spec.server != before.server
        x509.load_certificates(found.spec.server.crt)[0].verify_directly_issued_by(
            x509.load_certificates(_SECRETS.os.crt)[0]
        )
        config = (await bench.expect(APIServiceConfig, API_SERVICE_CONFIG_ID)).spec
        assert (config.node_routing_disabled, config.readonly_role_mode) == (False, False)
        assert await bench.ids(maintenance_root_secret.MaintenanceRootSecret) == []


@pytest.mark.feature("E225")
async def test_a_worker_never_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names fit and the time, but a cluster does not know the authority."""
    asked: list[list[str]] = []

    async def ask(self: APIController, r: object, root: object, sans: object, present: object) -> object:
        assert isinstance(present, api_certificate.ApiCertificate.Spec)
        asked.append([] if present.server is None else ["kept"])
        return present

    monkeypatch.setattr(APIController, "_worker", ask)
    async with ctest.bench(*(made() for made in CONTROLLERS)) as bench:
        await _node(bench)
        await bench.put(MaintenanceServiceRequest("maintenance"))
        await _certificate(bench)
        kind = machine_type.MachineType.Spec(machine_type=MachineType.WORKER)
        await bench.put(machine_type.MachineType(machine_type.MACHINE_TYPE_ID, kind))
        root = root_os.plan(generate.generate(_INPUT, MachineType.WORKER))
        await bench.put(os_root_secret.OSRootSecret(os_root_secret.OS_ROOT_ID, root))
        await bench.settle()
    assert asked[0] == []
