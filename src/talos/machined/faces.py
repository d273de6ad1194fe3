"""What apid and trustd may read of the resources: a socket each, with a filter in front of the state.

They run as users of their own and get by their socket exactly the resources they work with, read-only. The socket
belongs to their user, so nobody else (but root) can open it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.base.constants import paths, users
from talos.cosi import state
from talos.cosi.resource import Resource
from talos.machined.api import cosi_state
from talos.machinery.api import methods
from talos.machinery.resources.cluster import member
from talos.machinery.resources.k8s import endpoint
from talos.machinery.resources.network import hostname_status, node_address
from talos.machinery.resources.runtime import api_service_config
from talos.machinery.resources.secrets import api_certificate, os_root_secret, trustd_certificate
from talos.machinery.rpc import server as rpc

APID: tuple[type[Resource[Any]], ...] = (
    api_certificate.ApiCertificate,
    api_service_config.APIServiceConfig,
    endpoint.Endpoint,
    hostname_status.HostnameStatus,
    node_address.NodeAddress,
)
TRUSTD: tuple[type[Resource[Any]], ...] = (
    member.Member,
    os_root_secret.OSRootSecret,
    trustd_certificate.TrustdCertificate,
)
_CALLS = {"Get": "get", "List": "list", "Watch": "watch"}


def only(types: Sequence[type[Resource[Any]]]) -> cosi_state.Rule:
    """Return a rule that allows reading these types and nothing else."""
    allowed = frozenset(cls.definition.type for cls in types)

    def rule(cls: type[Resource[Any]], namespace: str, verb: str, call: rpc.Call) -> None:
        if verb is not cosi_state.READ or cls.definition.type not in allowed:
            raise errors.Denied(f"access to {cls.definition.type} is not allowed")

    return rule


async def _face(store: state.State, types: Sequence[type[Resource[Any]]], path: Path, user: int) -> rpc.Server:
    service = cosi_state.StateService(store, only(types))
    made = rpc.Server()
    for name, attribute in _CALLS.items():
        made.add(methods.method(f"/cosi.resource.State/{name}"), getattr(service, attribute))
    path.parent.mkdir(parents=True, exist_ok=True)
    await made.serve_unix(path, mode=0o600, uid=user, gid=user)
    return made


async def serve(store: state.State) -> list[rpc.Server]:
    """Serve both faces."""
    return [
        await _face(store, APID, paths.APID_RUNTIME_SOCKET, users.APID),
        await _face(store, TRUSTD, paths.TRUSTD_RUNTIME_SOCKET, users.TRUSTD),
    ]
