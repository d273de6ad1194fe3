"""The machine API on its unix socket: mounting of handlers, and the second authorisation.

apid has checked the caller's certificate and passes the roles on as metadata. Because anybody who can open the socket
could claim roles, the peer's pid is taken from the kernel, must belong to a service of this node, and what that service
may ever ask for bounds the claimed roles. Then the method's own roles decide.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping

from talos.base import errors
from talos.base.constants import paths, users
from talos.machined.api import Handlers
from talos.machinery.api import methods
from talos.machinery.rpc import server as rpc
from talos.machinery.rpc.method import Method

ADMIN, OPERATOR, READER = "os:admin", "os:operator", "os:reader"
ETCD_BACKUP, IMPERSONATOR, META_WRITER = "os:etcd:backup", "os:impersonator", "os:meta:writer"
IMAGE_VERIFIER = "os:image:verifier"
ALL_ROLES = frozenset({ADMIN, OPERATOR, READER, ETCD_BACKUP, IMPERSONATOR, META_WRITER, IMAGE_VERIFIER})
ROLE_KEY = "talos-role"
IDENTIFY_TIMEOUT_S = 5.0

SERVICE_ROLES: Mapping[str, frozenset[str]] = {
    "apid": ALL_ROLES,
    "installer": ALL_ROLES,
    "dashboard": frozenset({READER, META_WRITER}),
    "containerd": frozenset({IMAGE_VERIFIER}),
    "cri": frozenset({IMAGE_VERIFIER}),
    "machined": frozenset(),
}
"""What each service may ask for at most; extension services (`ext-…`) may ask for everything."""

MAINTENANCE_READER = frozenset(
    {
        "/machine.MachineService/ApplyConfiguration",
        "/machine.LVMService/LogicalVolumeRemove",
        "/machine.LVMService/VolumeGroupRemove",
        "/machine.LVMService/PhysicalVolumeRemove",
        "/machine.MDService/Destroy",
        "/storage.StorageService/BlockDeviceWipe",
    }
)
"""Methods whose contract lists os:reader only for maintenance mode, where nobody can have a better role."""


def allowed(service: str | None) -> frozenset[str]:
    """Return the roles a service may use at most. Raises Denied for anybody else."""
    if service is not None and service.startswith("ext-"):
        return ALL_ROLES
    if service is None or service not in SERVICE_ROLES:
        raise errors.Denied("not authorized")
    return SERVICE_ROLES[service]


def decide(method: Method, roles: frozenset[str], *, maintenance: bool) -> None:
    """Raise Denied unless one of the roles is for the method. A method without roles is for os:admin."""
    fitting = method.roles or frozenset({ADMIN})
    if method.path in MAINTENANCE_READER and not maintenance:
        fitting -= {READER}
    if not roles & fitting:
        raise errors.Denied("not authorized")


class Authorizer:
    """The authorisation hook of the server."""

    def __init__(self, identify: Callable[[int], str | None], maintenance: Callable[[], bool] = lambda: False) -> None:
        """`identify`: pid -> service id; `maintenance`: whether the node has no configuration yet."""
        self._identify = identify
        self._maintenance = maintenance

    async def __call__(self, call: rpc.Call, method: Method | None) -> None:
        """Fill in the call's roles. Raises Denied."""
        service = await self._service(call.peer.pid)
        call.roles = allowed(service) & frozenset(call.metadata.get(ROLE_KEY, ()))
        if method is None:
            raise errors.Denied("not authorized")
        decide(method, call.roles, maintenance=self._maintenance())

    async def _service(self, pid: int) -> str | None:
        """Find the peer's service; one that has just been started may not be known yet."""
        deadline = asyncio.get_running_loop().time() + IDENTIFY_TIMEOUT_S
        while True:
            found = self._identify(pid)
            if found is not None or asyncio.get_running_loop().time() >= deadline:
                return found
            await asyncio.sleep(0.05)


def rpc_name(function: str) -> str:
    """`service_list` -> `ServiceList`; words that the contract writes in capitals are matched by `mount`."""
    return "".join(word.capitalize() for word in function.split("_"))


def mount(server: rpc.Server, handlers: Iterable[Handlers]) -> None:
    """Add every RPC of the handlers. Raises Permanent for a function that spells no RPC, or one spelled twice."""
    for topic in handlers:
        known = {name.lower(): found for name, found in methods.of_service(topic.service).items()}
        for name, function in inspect.getmembers(topic):
            if name.startswith("_") or not (
                inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
            ):
                continue
            found = known.get(name.replace("_", ""))
            if found is None:
                raise errors.Permanent(f"{type(topic).__name__}.{name} is no RPC of {topic.service}")
            if found.path in server.paths:
                raise errors.Permanent(f"{found.path} has two handlers")
            server.add(found, function)


class MachineServer:
    """The server on machine.sock."""

    def __init__(self, authorizer: Authorizer, handlers: Iterable[Handlers]) -> None:
        self.server = rpc.Server(authorize=authorizer, access_log=True, logger=logging.getLogger("api"))
        mount(self.server, handlers)

    async def serve(self) -> None:
        """Listen; apid's user may connect."""
        await self.server.serve_unix(paths.MACHINE_SOCKET, mode=0o660, uid=users.APID, gid=users.APID)

    async def close(self) -> None:
        """Stop serving."""
        await self.server.close()
