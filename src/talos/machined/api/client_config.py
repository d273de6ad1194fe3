"""GenerateClientConfiguration of machine.MachineService: a talosconfig with the roles and lifetime asked for.

Only control plane nodes have the key of the authority. Nobody gets the role of apid itself this way.
"""

from __future__ import annotations

import datetime
from typing import ClassVar

from talos.base import errors
from talos.cosi import state
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.client import talosconfig
from talos.machinery.config import views
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.secrets import os_root_secret
from talos.machinery.rpc import server as rpc
from talos.pki import x509

GRANTED = frozenset(
    {"os:admin", "os:operator", "os:reader", "os:etcd:backup", "os:impersonator", "os:meta:writer", "os:image:verifier"}
)
_PREFIX = "os:"


def check_roles(roles: list[str]) -> tuple[str, ...]:
    """Return the roles in order, each once. Raises Invalid for none and for unknown ones."""
    unknown = sorted(set(roles) - GRANTED)
    if unknown:
        raise errors.Invalid(f"unknown roles: {', '.join(map(repr, unknown))}")
    if not roles:
        raise errors.Invalid("at least one role is needed")
    return tuple(sorted(set(roles)))


def context_name(cluster: str, roles: tuple[str, ...]) -> str:
    """Return the cluster's name, with the role in front when there is one only."""
    return f"{roles[0].removeprefix(_PREFIX)}@{cluster}" if len(roles) == 1 else cluster


class ClientConfig(Handlers):
    """GenerateClientConfiguration."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, store: state.State) -> None:
        self._store = store

    async def generate_client_configuration(
        self, request: machine_pb2.GenerateClientConfigurationRequest, call: rpc.Call
    ) -> machine_pb2.GenerateClientConfigurationResponse:
        """Issue a certificate. Raises Invalid for roles and lifetime, NotReady on a worker."""
        roles = check_roles(list(request.roles))
        lifetime = datetime.timedelta(seconds=request.crt_ttl.seconds, microseconds=request.crt_ttl.nanos // 1000)
        if lifetime <= datetime.timedelta():
            raise errors.Invalid("crt_ttl has to be a positive time")
        config = await state.find(self._store, machine_config.MachineConfig, machine_config.ACTIVE_ID)
        root = await state.find(self._store, os_root_secret.OSRootSecret, os_root_secret.OS_ROOT_ID)
        if config is None or root is None or root.spec.issuing_ca is None or not root.spec.issuing_ca.key:
            raise errors.NotReady("a client configuration is made by control plane nodes only")
        issuing = root.spec.issuing_ca
        authority = x509.Authority.load(issuing.crt, issuing.key)
        pair = authority.issue(x509.Subject(organizations=roles), x509.CLIENT, lifetime=lifetime)
        ca = b"".join(accepted.crt for accepted in root.spec.accepted_c_as) or issuing.crt
        name = context_name(views.cluster(config.documents).name, roles)
        made = talosconfig.Talosconfig(name, {name: talosconfig.Context(ca=ca, crt=pair.crt, key=pair.key)})
        message = machine_pb2.GenerateClientConfiguration(
            ca=ca, crt=pair.crt, key=pair.key, talosconfig=talosconfig.encode(made)
        )
        return machine_pb2.GenerateClientConfigurationResponse(messages=[message])
