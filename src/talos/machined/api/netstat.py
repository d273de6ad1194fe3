"""Netstat of machine.MachineService: the sockets of the node and of its pods.

A pod's sockets are read through the `net` directory of its sandbox process, so nobody enters a namespace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from talos.linux import procfs, sockets
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc
from talos.supervisor.cri import client as cri

_Request = machine_pb2.NetstatRequest


@dataclass(frozen=True, slots=True)
class Place:
    """A network namespace: its name (empty for the node's) and a process in it."""

    name: str
    pid: int | str


def wanted(socket: sockets.Socket, filter: int) -> bool:
    """Whether a socket passes: connected ones have a peer, listening ones have none."""
    if filter == _Request.CONNECTED:
        return socket.remote_port != 0
    return filter != _Request.LISTENING or socket.remote_port == 0


def _protocols(request: machine_pb2.NetstatRequest) -> list[str]:
    return [name for name in sockets.PROTOCOLS if getattr(request.l4proto, name)]


def record(socket: sockets.Socket, place: Place) -> machine_pb2.ConnectRecord:
    """Socket -> message, without its process."""
    return machine_pb2.ConnectRecord(
        l4proto=socket.protocol,
        localip=socket.local,
        localport=socket.local_port,
        remoteip=socket.remote,
        remoteport=socket.remote_port,
        state=socket.state,  # type: ignore[arg-type]
        txqueue=socket.tx_queue,
        rxqueue=socket.rx_queue,
        tr=socket.timer,  # type: ignore[arg-type]
        timerwhen=socket.timer_when,
        retrnsmt=socket.retransmits,
        uid=socket.uid,
        timeout=socket.timeout,
        inode=socket.inode,
        ref=socket.references,
        pointer=socket.pointer,
        process=machine_pb2.ConnectRecord.Process(),
        netns=place.name,
    )


def _name(pid: int) -> str:
    try:
        return procfs.process(pid).command
    except OSError:
        return ""


def read(places: list[Place], protocols: list[str], filter: int, *, pids: bool) -> list[machine_pb2.ConnectRecord]:
    """Return the sockets of all places. Blocks; meant for a thread."""
    holders: Mapping[int, int] = sockets.holders() if pids else {}
    found = []
    for place in places:
        for socket in _of(place, protocols):
            if not wanted(socket, filter):
                continue
            message = record(socket, place)
            if pid := holders.get(socket.inode, 0):
                message.process.pid, message.process.name = pid, _name(pid)
            found.append(message)
    return found


def _of(place: Place, protocols: list[str]) -> Iterator[sockets.Socket]:
    for protocol in protocols:
        try:
            yield from sockets.sockets(protocol, place.pid)
        except FileNotFoundError:
            # The pod ended since it was listed.
            return


class Netstat(Handlers):
    """Netstat."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, kubernetes: cri.Client) -> None:
        self._cri = kubernetes

    async def _places(self, request: machine_pb2.NetstatRequest) -> list[Place]:
        places = [Place("", "self")] if request.netns.hostnetwork else []
        if request.netns.allnetns or request.netns.netns:
            for pod in await self._cri.pods(detail=True):
                name = pod.network_namespace
                if name and pod.pid and (request.netns.allnetns or name in request.netns.netns):
                    places.append(Place(name, pod.pid))
        return places

    async def netstat(self, request: machine_pb2.NetstatRequest, call: rpc.Call) -> machine_pb2.NetstatResponse:
        """Sockets of the protocols and namespaces asked for."""
        places = await self._places(request)
        found = await asyncio.to_thread(read, places, _protocols(request), request.filter, pids=request.feature.pid)
        return machine_pb2.NetstatResponse(messages=[machine_pb2.Netstat(connectrecord=found)])
