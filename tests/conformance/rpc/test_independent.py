"""A node's servers, called by grpcio with descriptors that were built from the recorded facts alone.

Neither our channel nor our generated messages take part on the calling side. Every RPC of the original is called, those
this node serves and those it does not, through machined's socket and through apid.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from talos.machinery.resources.runtime import api_service_config
from tests.conformance.rpc import facts
from tests.conformance.rpc.node import Node, running

OK, UNIMPLEMENTED = grpc.StatusCode.OK, grpc.StatusCode.UNIMPLEMENTED
DEFINED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAVAILABLE,
}
ANSWERS = {
    "CPUInfo", "DiskStats", "Hostname", "LoadAvg", "LogsContainers", "Memory", "Mounts", "NetworkDeviceStats",
    "Netstat", "Processes", "ServiceList", "SystemStat", "Version", "ControllerRuntimeDependencies", "CPUFreqStats",
}  # fmt: skip
"""Unary methods that need nothing but the node, and answer with a list of messages."""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as nodes:
        yield nodes[0]


class Witness:
    """A gRPC client that knows the original's numbers."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.channel = grpc.aio.insecure_channel(f"unix:{target}")

    async def call(self, rpc: facts.Rpc, request: Any = None, roles: tuple[str, ...] = ("os:admin",)) -> Any:
        """-> (code, details, responses); streams are read until a second has passed without a message."""
        request = request if request is not None else facts.message(rpc.request)()
        options = {
            "request_serializer": type(request).SerializeToString,
            "response_deserializer": facts.message(rpc.response).FromString,
        }
        kind = f"{'stream' if rpc.client_streaming else 'unary'}_{'stream' if rpc.server_streaming else 'unary'}"
        method = getattr(self.channel, kind)(rpc.path, **options)
        metadata = tuple(("talos-role", role) for role in roles)
        if rpc.client_streaming:
            return await asyncio.to_thread(self._upload, rpc, kind, options, request, metadata)
        call = method(request, timeout=2, metadata=metadata)
        received: list[Any] = []
        try:
            if rpc.server_streaming:
                async for response in call:
                    received.append(response)
                    if len(received) == 50:
                        call.cancel()
                        return OK, "", received
            else:
                received.append(await call)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and rpc.server_streaming:
                return OK, "", received
            return error.code(), error.details(), received
        return await call.code(), "", received

    def _upload(self, rpc: facts.Rpc, kind: str, options: Any, request: Any, metadata: Any) -> Any:
        """By the synchronous client: the other takes a call that was ended while it was writing for its own failure."""
        with grpc.insecure_channel(f"unix:{self.target}") as channel:
            call = getattr(channel, kind)(rpc.path, **options)
            try:
                found = call(iter([request]), timeout=2, metadata=metadata)
                return OK, "", list(found) if rpc.server_streaming else [found]
            except grpc.RpcError as error:
                return error.code(), error.details(), []


def served(node: Node, rpc: facts.Rpc) -> bool:
    return rpc.path in node.machined.paths


def expected(rpc: facts.Rpc) -> Any:
    marks = [pytest.mark.feature(rpc.id)] if rpc.path.rpartition("/")[2] in ANSWERS else []
    return pytest.param(rpc, id=rpc.path, marks=marks)


@pytest.mark.parametrize("through", ["machine.sock", "apid.sock"])
@pytest.mark.parametrize("rpc", [expected(rpc) for rpc in facts.rpcs()])
async def test_every_rpc_of_the_original_has_a_defined_answer(node: Node, rpc: facts.Rpc, through: str) -> None:
    witness = Witness(node.folder / through)
    try:
        code, details, received = await witness.call(rpc)
    finally:
        await witness.channel.close()
    name = rpc.path.rpartition("/")[2]
    if not served(node, rpc) and name not in ANSWERS:
        assert code is UNIMPLEMENTED, (code, details)
        assert rpc.path in details
        return
    assert code in DEFINED, (code, details)
    for response in received:
        # Bytes our servers send carry no field the original's client does not know.
        assert response.DESCRIPTOR.full_name == rpc.response
        assert type(response).FromString(response.SerializeToString()) == response
        assert not _unknown(response), response
    if name in ANSWERS:
        assert code is OK, (code, details)
        assert len(received[0].messages) == 1
        assert not received[0].messages[0].HasField("metadata")


def _unknown(message: Any) -> bool:
    from google.protobuf import unknown_fields

    if len(unknown_fields.UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if any(_unknown(inner) for inner in (value if field.is_repeated else [value])):
            return True
    return False


@pytest.mark.feature("A060")
async def test_version(node: Node) -> None:
    witness = Witness(node.folder / "apid.sock")
    code, _, (response,) = await witness.call(_rpc("/machine.MachineService/Version"))
    assert code is OK
    assert response.messages[0].version.tag.startswith("v1.14")
    assert response.messages[0].platform.mode == "container"
    await witness.channel.close()


@pytest.mark.feature("A078", "A079", "A080", "A081", "A082", "A083", "A084", "A085")
async def test_resource_state(node: Node) -> None:
    """Reading works for a client with its own idea of the messages; changing is refused."""
    spec = api_service_config.APIServiceConfig.Spec(listen_address=":50000")
    await node.store.create(api_service_config.APIServiceConfig("apid", spec))
    witness = Witness(node.folder / "apid.sock")
    names = {"namespace": "runtime", "type": api_service_config.APIServiceConfig.definition.type}
    state = "/cosi.resource.State/"
    get = facts.message("cosi.resource.GetRequest")(**names, id="apid")
    code, details, (found,) = await witness.call(_rpc(state + "Get"), get)
    assert code is OK, details
    assert found.resource.metadata.id == "apid"
    assert ":50000" in found.resource.spec.yaml_spec
    _, _, listed = await witness.call(_rpc(state + "List"), facts.message("cosi.resource.ListRequest")(**names))
    assert [item.resource.metadata.id for item in listed] == ["apid"]
    watch = facts.message("cosi.resource.WatchRequest")(**names, api_version=1)
    watch.options.bootstrap_contents = True
    _, _, watched = await witness.call(_rpc(state + "Watch"), watch)
    events = [event for response in watched for event in response.event]
    assert "apid" in {event.resource.metadata.id for event in events}
    for name in ("Create", "Update", "Destroy", "Teardown", "TeardownAndDestroy"):
        rpc = _rpc(state + name)
        code, details, _ = await witness.call(rpc)
        assert code is grpc.StatusCode.PERMISSION_DENIED, (name, code, details)
    await witness.channel.close()


def _rpc(path: str) -> facts.Rpc:
    return next(rpc for rpc in facts.rpcs() if rpc.path == path)


async def test_unknown_names_are_unimplemented_with_headers_and_trailers(node: Node) -> None:
    for path in ("/machine.MachineService/Nothing", "/no.Service/Nothing", "/", "/a", "//", "/machine.MachineService/"):
        async with grpc.aio.insecure_channel(f"unix:{node.folder / 'apid.sock'}") as channel:
            call = channel.unary_unary(path)(b"", timeout=5)
            assert await call.code() is UNIMPLEMENTED, path
            # grpcio says UNKNOWN when the answer is no gRPC answer (status 200, content-type, grpc-status).
            assert "unknown method" in await call.details()
