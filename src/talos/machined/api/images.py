"""Images in containerd: machine.ImageService, and the two older RPCs of machine.MachineService.

An imported archive is an OCI layout in a tar file (what `docker save`, `skopeo copy oci-archive:` or `crane` write). It
goes to /var first, as a node's memory is no place for images; only the members a layout has are unpacked, and contents
are checked against their digests before containerd gets them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

from google.protobuf import empty_pb2, timestamp_pb2

from talos.base import errors
from talos.base.constants import versions
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import image_pb2, machine_pb2
from talos.machinery.rpc import server as rpc
from talos.supervisor.containerd import archives, images
from talos.supervisor.containerd import client as containerd

SCRATCH = Path("/var/system/import")
_SPACES = {
    common_pb2.NS_SYSTEM: versions.CONTAINERD_NAMESPACE_SYSTEM,
    common_pb2.NS_CRI: versions.CONTAINERD_NAMESPACE_K8S,
}


def namespace_of(number: int) -> str:
    """Return the containerd namespace for its number on the wire; unset means that of the pods. Raises Invalid."""
    if number == common_pb2.NS_UNKNOWN:
        return versions.CONTAINERD_NAMESPACE_K8S
    found = _SPACES.get(number)  # type: ignore[call-overload]
    if found is None:
        raise errors.Invalid(f"containerd namespace {number} is not known")
    return str(found)


async def size_of(store: images.Images, image: images.Image, namespace: str) -> int:
    """Return the bytes of an image, 0 when its manifest can not be read: a name is worth a line all the same."""
    try:
        return await store.size(image, namespace)
    except (errors.TalosError, KeyError, ValueError):
        return 0


async def _receive(chunks: AsyncIterator[bytes], archive: Path) -> None:
    with archive.open("wb") as sink:
        async for chunk in chunks:
            sink.write(chunk)


class ImageService(Handlers):
    """List, Pull, Import, Remove."""

    service: ClassVar[str] = "machine.ImageService"

    def __init__(self, client: containerd.Client) -> None:
        self._images = images.Images(client)

    async def list(
        self, request: image_pb2.ImageServiceListRequest, call: rpc.Call
    ) -> AsyncIterator[image_pb2.ImageServiceListResponse]:
        """Images of a namespace, by name."""
        namespace = namespace_of(request.containerd.namespace)
        for one in await self._images.list(namespace):
            size = await size_of(self._images, one, namespace)
            message = image_pb2.ImageServiceListResponse(name=one.name, digest=one.digest, size=size)
            message.created_at.FromNanoseconds(int(one.created_at * 1e9))
            message.labels.update(one.labels)
            yield message

    async def pull(
        self, request: image_pb2.ImageServicePullRequest, call: rpc.Call
    ) -> AsyncIterator[image_pb2.ImageServicePullResponse]:
        """Pull from a registry; the name comes when it is there."""
        await self._images.pull(request.image_ref, namespace_of(request.containerd.namespace))
        yield image_pb2.ImageServicePullResponse(name=request.image_ref)

    async def import_(
        self, requests: AsyncIterator[image_pb2.ImageServiceImportRequest], call: rpc.Call
    ) -> image_pb2.ImageServiceImportResponse:
        """Take an archive: the namespace in the first message, then the bytes."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("request") != "containerd":
            raise errors.Invalid("the first message must say which containerd namespace is meant")
        namespace = namespace_of(first.containerd.namespace)

        async def chunks() -> AsyncIterator[bytes]:
            async for request in requests:
                yield request.image_chunk.bytes

        SCRATCH.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SCRATCH) as scratch:
            archive, layout = Path(scratch) / "archive.tar", Path(scratch) / "layout"
            layout.mkdir()
            await _receive(chunks(), archive)
            await asyncio.to_thread(archives.unpack, archive, layout)
            archive.unlink()
            done = await self._images.import_layout(layout, {namespace: lambda _: True}, stays=False)
        if not done[namespace]:
            raise errors.Invalid("no image of the archive has a name")
        return image_pb2.ImageServiceImportResponse(name=done[namespace][0])

    async def remove(self, request: image_pb2.ImageServiceRemoveRequest, call: rpc.Call) -> empty_pb2.Empty:
        """Forget an image by its name. Raises NotFound."""
        await self._images.remove(request.image_ref, namespace_of(request.containerd.namespace))
        return empty_pb2.Empty()


class OldImages(Handlers):
    """ImageList and ImagePull."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, client: containerd.Client) -> None:
        self._images = images.Images(client)

    async def image_list(
        self, request: machine_pb2.ImageListRequest, call: rpc.Call
    ) -> AsyncIterator[machine_pb2.ImageListResponse]:
        """Images of a namespace, by name."""
        namespace = namespace_of(request.namespace)
        for one in await self._images.list(namespace):
            created = timestamp_pb2.Timestamp()
            created.FromNanoseconds(int(one.created_at * 1e9))
            size = await size_of(self._images, one, namespace)
            yield machine_pb2.ImageListResponse(name=one.name, digest=one.digest, size=size, created_at=created)

    async def image_pull(self, request: machine_pb2.ImagePullRequest, call: rpc.Call) -> machine_pb2.ImagePullResponse:
        """Pull from a registry."""
        await self._images.pull(request.reference, namespace_of(request.namespace))
        return machine_pb2.ImagePullResponse(messages=[machine_pb2.ImagePull()])
