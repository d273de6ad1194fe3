import datetime
from pathlib import Path

import pytest
from google.protobuf import duration_pb2

from talos.machined.api import client_config, server
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.client import talosconfig
from talos.machinery.config import generate
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.secrets import os_root_secret
from talos.machinery.rpc import channel, status
from talos.machinery.rpc import server as rpc
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType
from talos.pki import bundle, x509
from tests.unit.machined.controllers.running import running

SECRETS = bundle.generate()
HOUR = duration_pb2.Duration(seconds=3600)


def _config(text: bytes) -> machine_config.MachineConfig:
    return machine_config.MachineConfig(machine_config.ACTIVE_ID, machine_config.MachineConfig.Spec(source=text))


async def _fill(store: object, *, key: bool) -> None:
    kind = MachineType.CONTROL_PLANE if key else MachineType.WORKER
    text = generate.generate(generate.GenerateInput("it", "https://10.5.0.2:6443", SECRETS), kind).encode()
    config = _config(text)
    await store.create(config)  # type: ignore[attr-defined]
    ca = pem.CertificateAndKey(crt=SECRETS.os.crt, key=SECRETS.os.key if key else b"")
    accepted = (pem.Certificate(crt=SECRETS.os.crt),)
    root = os_root_secret.OSRootSecret.Spec(issuing_ca=ca, accepted_c_as=accepted)
    await store.create(os_root_secret.OSRootSecret(os_root_secret.OS_ROOT_ID, root))  # type: ignore[attr-defined]


async def _ask(folder: Path, *, plane: bool, **request: object) -> machine_pb2.GenerateClientConfiguration:
    async with running() as (store, _):
        await _fill(store, key=plane)
        made = rpc.Server()
        server.mount(made, [client_config.ClientConfig(store)])
        await made.serve_unix(folder / "api.sock")
        connection = channel.Channel.unix(folder / "api.sock")
        try:
            method = methods.method("/machine.MachineService/GenerateClientConfiguration")
            message = machine_pb2.GenerateClientConfigurationRequest(**request)  # type: ignore[arg-type]
            answer = await connection.unary(method, message, timeout_s=10)
        finally:
            connection.close()
            await made.close(0.1)
        found: machine_pb2.GenerateClientConfiguration = answer.messages[0]
        return found


@pytest.mark.feature("A061")
async def test_certificate_has_roles_and_lifetime(tmp_path: Path) -> None:
    made = await _ask(tmp_path, plane=True, roles=["os:reader", "os:etcd:backup"], crt_ttl=HOUR)
    (certificate,) = x509.load_certificates(made.crt)
    organizations = [a.value for a in certificate.subject if a.oid.dotted_string == "2.5.4.10"]
    assert organizations == ["os:etcd:backup", "os:reader"]
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(minutes=55) < left <= datetime.timedelta(hours=1)
    certificate.verify_directly_issued_by(x509.load_certificates(SECRETS.os.crt)[0])
    name, context = talosconfig.parse(made.talosconfig).get()
    assert name == "it"
    assert (context.ca, context.crt, context.key) == (made.ca, made.crt, made.key)
    assert made.ca == SECRETS.os.crt


@pytest.mark.feature("A061")
async def test_context_of_one_role_is_named_after_it(tmp_path: Path) -> None:
    made = await _ask(tmp_path, plane=True, roles=["os:operator"], crt_ttl=HOUR)
    assert talosconfig.parse(made.talosconfig).context == "operator@it"


@pytest.mark.parametrize(
    ("plane", "request_", "code"),
    [
        (True, {"roles": ["os:admin"]}, status.Code.INVALID_ARGUMENT),
        (True, {"roles": ["os:admin"], "crt_ttl": duration_pb2.Duration(seconds=-1)}, status.Code.INVALID_ARGUMENT),
        (True, {"roles": [], "crt_ttl": HOUR}, status.Code.INVALID_ARGUMENT),
        (True, {"roles": ["os:god"], "crt_ttl": HOUR}, status.Code.INVALID_ARGUMENT),
        (False, {"roles": ["os:admin"], "crt_ttl": HOUR}, status.Code.FAILED_PRECONDITION),
    ],
)
@pytest.mark.feature("A061")
async def test_refused(tmp_path: Path, plane: bool, request_: dict[str, object], code: status.Code) -> None:
    with pytest.raises(status.RpcError) as caught:
        await _ask(tmp_path, plane=plane, **request_)
    assert caught.value.code is code
