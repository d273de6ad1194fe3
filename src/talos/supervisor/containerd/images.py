"""Images in containerd: list, pull, remove, and the configuration a container starts from; import is `importer`'s."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import empty_pb2

from talos.base import errors
from talos.base.constants import paths
from talos.machinery.rpc import status
from talos.supervisor.containerd import client as clients
from talos.supervisor.containerd import importer, spec
from talos.supervisor.containerd import layout as layouts
from talos.supervisor.containerd._generated.containerd import (
    content_pb2,
    images_pb2,
    transfer_pb2,
    transfer_types_pb2,
    types_pb2,
)

_log = logging.getLogger("containerd.images")
_CONTENT = content_pb2.DESCRIPTOR.services_by_name["Content"]
_IMAGES = images_pb2.DESCRIPTOR.services_by_name["Images"]
_TRANSFER = transfer_pb2.DESCRIPTOR.services_by_name["Transfer"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image known to containerd. Size in bytes of the target alone; times as UNIX seconds."""

    name: str
    digest: str
    size: int
    created_at: float
    labels: Mapping[str, str]


class Images:
    """Images of one containerd."""

    def __init__(self, client: clients.Client, root: Path = paths.CONTAINERD_ROOT) -> None:
        """`root`: containerd's root directory; only `import_layout` touches it."""
        self._client = client
        self._root = root

    async def import_layout(
        self,
        layout: Path,
        wanted: Mapping[str, Callable[[str], bool]],
        *,
        pinned: Callable[[str], bool] = lambda _: False,
        stays: bool = True,
    ) -> dict[str, list[str]]:
        """Bring images of the layout into namespaces (namespace -> which names) and return the names of each.

        May be repeated; what is there already costs a few calls. `pinned`: names that kubelet's garbage collection must
        leave alone. `stays`: see `importer.Source`. Raises OSError, Invalid, RpcError.
        """
        source = importer.Source(layout, self._root, stays=stays)
        await source.check()
        chosen = {space: [m for m in source.manifests if fits(m.name)] for space, fits in wanted.items()}
        source.place([manifest for manifests in chosen.values() for manifest in manifests])

        async def bring(space: str) -> None:
            present = {image.name: image.digest for image in await self.list(space)}
            await importer.Importer(self._client, source, space).run(chosen[space], present, pinned)

        async with asyncio.TaskGroup() as group:
            for space in chosen:
                group.create_task(bring(space))
        return {space: [manifest.name for manifest in manifests] for space, manifests in chosen.items()}

    async def list(self, namespace: str) -> list[Image]:
        """Return the images of a namespace, by name; none when the namespace does not exist."""
        answer = await self._client.call(
            _IMAGES, "List", images_pb2.ListImagesRequest(), images_pb2.ListImagesResponse, namespace=namespace
        )
        found = [
            Image(i.name, i.target.digest, i.target.size, i.created_at.ToNanoseconds() / 1e9, dict(i.labels))
            for i in answer.images
        ]
        return sorted(found, key=lambda image: image.name)

    async def size(self, image: Image, namespace: str) -> int:
        """Return the bytes of an image as a registry has it: target, manifest, configuration and layers."""
        total, digest = image.size, image.digest
        while True:
            document = json.loads(await self.read(digest, namespace))
            if "manifests" not in document:
                return total + sum(int(part["size"]) for part in (document["config"], *document["layers"]))
            fitting = [m for m in document["manifests"] if (m.get("platform") or {}).get("architecture") == "amd64"]
            if not fitting:
                return total
            digest = fitting[0]["digest"]
            total += int(fitting[0]["size"])

    async def exists(self, name: str, namespace: str) -> bool:
        """Tell whether the image is known in the namespace."""
        try:
            await self._get(name, namespace)
        except errors.NotFound:
            return False
        return True

    async def remove(self, name: str, namespace: str) -> None:
        """Remove the name; content without any name is collected. Raises NotFound."""
        try:
            await self._client.call(
                _IMAGES,
                "Delete",
                images_pb2.DeleteImageRequest(name=name, sync=True),
                empty_pb2.Empty,
                namespace=namespace,
            )
        except status.RpcError as error:
            if clients.is_missing(error):
                raise errors.NotFound(f"image {name} is not known in {namespace}") from error
            raise

    async def pull(
        self, name: str, namespace: str, *, hosts_dir: Path = paths.CRI_HOSTS, timeout_s: float = 600
    ) -> None:
        """Let containerd pull and unpack an image, through the mirrors of `hosts_dir`. Raises RpcError."""
        source, target = transfer_types_pb2.OCIRegistry(reference=name), transfer_types_pb2.ImageStore(name=name)
        source.resolver.host_dir = os.fspath(hosts_dir)
        platform = types_pb2.Platform(os="linux", architecture="amd64")
        target.platforms.append(platform)
        unpack = target.unpacks.add(snapshotter=clients.SNAPSHOTTER)
        unpack.platform.CopyFrom(platform)
        request = transfer_pb2.TransferRequest()
        for side, message in ((request.source, source), (request.destination, target)):
            # containerd's registry of types knows plain names, without the host of type.googleapis.com.
            side.type_url, side.value = message.DESCRIPTOR.full_name, message.SerializeToString()
        await self._client.call(
            _TRANSFER, "Transfer", request, empty_pb2.Empty, namespace=namespace, timeout_s=timeout_s
        )

    async def ensure(self, name: str, namespace: str, *, timeout_s: float = 600) -> None:
        """Pull the image unless it is there."""
        if not await self.exists(name, namespace):
            await self.pull(name, namespace, timeout_s=timeout_s)

    async def _get(self, name: str, namespace: str) -> images_pb2.Image:
        try:
            answer = await self._client.call(
                _IMAGES, "Get", images_pb2.GetImageRequest(name=name), images_pb2.GetImageResponse, namespace=namespace
            )
        except status.RpcError as error:
            if clients.is_missing(error):
                raise errors.NotFound(f"image {name} is not known in {namespace}") from error
            raise
        return answer.image

    async def read(self, digest: str, namespace: str, limit_bytes: int = 8 * 1024 * 1024) -> bytes:
        """Return a blob. Raises Invalid when it is larger than the limit."""
        parts: list[bytes] = []
        size = 0
        async for part in self._client.stream(
            _CONTENT,
            "Read",
            content_pb2.ReadContentRequest(digest=digest),
            content_pb2.ReadContentResponse,
            namespace=namespace,
        ):
            size += len(part.data)
            if size > limit_bytes:
                raise errors.Invalid(f"blob {digest} is larger than {limit_bytes} bytes")
            parts.append(part.data)
        return b"".join(parts)

    async def config(self, name: str, namespace: str) -> tuple[spec.ImageConfig, str]:
        """Return an image's configuration and the name of its topmost snapshot. Raises NotFound."""
        image = await self._get(name, namespace)
        digest = image.target.digest
        document = json.loads(await self.read(digest, namespace))
        if "manifests" in document:
            fitting = [m for m in document["manifests"] if (m.get("platform") or {}).get("architecture") == "amd64"]
            document = json.loads(await self.read(fitting[0]["digest"], namespace))
        raw = await self.read(document["config"]["digest"], namespace)
        diff_ids = tuple(json.loads(raw)["rootfs"]["diff_ids"])
        target = layouts.Descriptor(image.target.media_type, digest, image.target.size)
        return spec.ImageConfig.parse(raw), layouts.Manifest(name, target, target, (), diff_ids).chain_ids[-1]
