"""Images in containerd: import from an OCI layout, list, pull, remove, and the configuration a container starts from.

Import is the way into a node without a registry, and on the boot path, so it moves no bytes twice. Each blob of the
layout becomes a symbolic link in containerd's content store, which takes an existing file for a digest as that content
(a `Write` that commits without data); layers are unpacked into snapshots by containerd itself. Layers
that several images share are unpacked once, and both containerd namespaces share content and snapshots by digest.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import empty_pb2, field_mask_pb2

from talos.base import errors
from talos.base.constants import paths
from talos.machinery.rpc import status
from talos.supervisor.containerd import client as clients
from talos.supervisor.containerd import layout as layouts
from talos.supervisor.containerd import spec
from talos.supervisor.containerd._generated.containerd import (
    content_pb2,
    diff_pb2,
    images_pb2,
    leases_pb2,
    namespaces_pb2,
    snapshots_pb2,
    transfer_pb2,
    transfer_types_pb2,
    types_pb2,
)

_log = logging.getLogger("containerd.images")
_CONTENT = content_pb2.DESCRIPTOR.services_by_name["Content"]
_IMAGES = images_pb2.DESCRIPTOR.services_by_name["Images"]
_SNAPSHOTS = snapshots_pb2.DESCRIPTOR.services_by_name["Snapshots"]
_DIFF = diff_pb2.DESCRIPTOR.services_by_name["Diff"]
_LEASES = leases_pb2.DESCRIPTOR.services_by_name["Leases"]
_NAMESPACES = namespaces_pb2.DESCRIPTOR.services_by_name["Namespaces"]
_TRANSFER = transfer_pb2.DESCRIPTOR.services_by_name["Transfer"]

_STORE = "io.containerd.content.v1.content/blobs"
UNPACK_TIMEOUT_S = 300.0


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

    # --- import

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
        leave alone. `stays`: the layout is trusted and remains where it is; else its blobs are checked and taken over
        (hard links), so that it can be removed. Raises OSError, Invalid, RpcError.
        """
        manifests = layouts.read_layout(layout)
        if not stays:
            await asyncio.to_thread(layouts.check_blobs, layout, manifests)
        place = self._link_blobs if stays else self._take_blobs
        place(layout, manifests)
        chosen = {space: [m for m in manifests if fits(m.name)] for space, fits in wanted.items()}
        async with asyncio.TaskGroup() as group:
            for space, images in chosen.items():
                group.create_task(self._import_namespace(images, space, pinned, lambda one: place(layout, [one])))
        return {space: [manifest.name for manifest in images] for space, images in chosen.items()}

    async def _import_namespace(
        self,
        manifests: Sequence[layouts.Manifest],
        namespace: str,
        pinned: Callable[[str], bool],
        place: Callable[[layouts.Manifest], None],
    ) -> None:
        present = {image.name: image.digest for image in await self.list(namespace)}
        manifests = [m for m in manifests if present.get(m.name) != m.target.digest]
        if not manifests:
            return
        await self._make_namespace(namespace)
        lease = await self._lease(namespace)
        running: dict[str, asyncio.Task[None]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for manifest in manifests:
                    await self._register(manifest, namespace, lease)
                    # A garbage collection before the registration takes blobs away as unknown.
                    place(manifest)
                    task = group.create_task(self._finish(manifest, namespace, lease, running, pinned(manifest.name)))
                    running.setdefault(manifest.chain_ids[0], task)
        finally:
            await self._end_lease(namespace, lease)

    async def _finish(
        self,
        manifest: layouts.Manifest,
        namespace: str,
        lease: str,
        running: Mapping[str, asyncio.Task[None]],
        pinned: bool,
    ) -> None:
        """Unpack and record one image; one that shares its first layer waits for the image that unpacks it."""
        first = running.get(manifest.chain_ids[0])
        if first is not None and first is not asyncio.current_task():
            await asyncio.wait([first])
        await self._unpack(manifest, namespace, lease)
        await self._record(manifest, namespace, pinned)

    async def _make_namespace(self, namespace: str) -> None:
        with clients.ignore_present():
            await self._client.call(
                _NAMESPACES,
                "Create",
                namespaces_pb2.CreateNamespaceRequest(namespace=namespaces_pb2.Namespace(name=namespace)),
                namespaces_pb2.CreateNamespaceResponse,
            )

    def _link_blobs(self, layout: Path, manifests: Sequence[layouts.Manifest]) -> None:
        """Put links to the blobs where containerd keeps its content; a link to a layout that is gone is renewed."""
        for source, target in self._missing(layout, manifests):
            target.unlink(missing_ok=True)
            target.symlink_to(source)

    def _take_blobs(self, layout: Path, manifests: Sequence[layouts.Manifest]) -> None:
        """Put the blobs themselves where containerd keeps its content; the layout is on the same file system."""
        for source, target in self._missing(layout, manifests):
            target.unlink(missing_ok=True)
            os.link(source, target)

    def _missing(self, layout: Path, manifests: Sequence[layouts.Manifest]) -> Iterator[tuple[Path, Path]]:
        for digest in layouts.digests(manifests):
            source, target = layouts.blob_path(layout, digest), self._root / _STORE / digest.replace(":", "/")
            if target.exists():
                continue
            if not source.exists():
                raise FileNotFoundError(2, "blob is missing in the layout", os.fspath(source))
            target.parent.mkdir(parents=True, exist_ok=True)
            yield source, target

    async def _register(self, manifest: layouts.Manifest, namespace: str, lease: str) -> None:
        """Make the blobs known in a namespace, with the labels that keep what they refer to."""
        references = {"containerd.io/gc.ref.content.config": manifest.config.digest}
        for number, layer in enumerate(manifest.layers):
            references[f"containerd.io/gc.ref.content.l.{number}"] = layer.digest
            await self._register_blob(layer, {}, namespace, lease)
        snapshot = {f"containerd.io/gc.ref.snapshot.{clients.SNAPSHOTTER}": manifest.chain_ids[-1]}
        await self._register_blob(manifest.config, snapshot, namespace, lease)
        await self._register_blob(manifest.target, references, namespace, lease)

    async def _register_blob(
        self, blob: layouts.Descriptor, labels: dict[str, str], namespace: str, lease: str
    ) -> None:
        # A commit at the end of content that the store has already, without data: containerd checks the size and makes
        # the record. Any other offset would make it copy the content first.
        request = content_pb2.WriteContentRequest(
            action=content_pb2.COMMIT,
            ref=f"import-{blob.digest}",
            total=blob.size,
            expected=blob.digest,
            offset=blob.size,
            labels=labels,
        )
        with clients.ignore_present():
            await self._client.exchange(_CONTENT, "Write", request, namespace=namespace, lease=lease)

    async def _unpack(self, manifest: layouts.Manifest, namespace: str, lease: str) -> None:
        """Make the snapshot of every layer that has none yet."""
        parent = ""
        for layer, chain_id in zip(manifest.layers, manifest.chain_ids, strict=True):
            if not await self._has_snapshot(chain_id, namespace):
                await self._apply(layer, chain_id, parent, namespace, lease)
            parent = chain_id

    async def _has_snapshot(self, name: str, namespace: str) -> bool:
        try:
            await self._client.call(
                _SNAPSHOTS,
                "Stat",
                snapshots_pb2.StatSnapshotRequest(snapshotter=clients.SNAPSHOTTER, key=name),
                snapshots_pb2.StatSnapshotResponse,
                namespace=namespace,
            )
        except status.RpcError as error:
            if clients.is_missing(error):
                return False
            raise
        return True

    async def _apply(self, layer: layouts.Descriptor, chain_id: str, parent: str, namespace: str, lease: str) -> None:
        key = f"extract-{uuid.uuid4().hex[:12]} {chain_id}"
        labels = {"containerd.io/snapshot.ref": chain_id}
        try:
            prepared = await self._client.call(
                _SNAPSHOTS,
                "Prepare",
                snapshots_pb2.PrepareSnapshotRequest(
                    snapshotter=clients.SNAPSHOTTER, key=key, parent=parent, labels=labels
                ),
                snapshots_pb2.PrepareSnapshotResponse,
                namespace=namespace,
                lease=lease,
            )
        except status.RpcError as error:
            if clients.is_present(error):
                # Another namespace has unpacked it: the snapshotter found it by its label.
                return
            raise
        try:
            await self._client.call(
                _DIFF,
                "Apply",
                diff_pb2.ApplyRequest(diff=layer.message(), mounts=prepared.mounts),
                diff_pb2.ApplyResponse,
                namespace=namespace,
                lease=lease,
                timeout_s=UNPACK_TIMEOUT_S,
            )
            with clients.ignore_present():
                await self._client.call(
                    _SNAPSHOTS,
                    "Commit",
                    snapshots_pb2.CommitSnapshotRequest(
                        snapshotter=clients.SNAPSHOTTER, name=chain_id, key=key, labels=labels
                    ),
                    empty_pb2.Empty,
                    namespace=namespace,
                    lease=lease,
                )
        except BaseException:
            with clients.ignore_missing():
                await self._client.call(
                    _SNAPSHOTS,
                    "Remove",
                    snapshots_pb2.RemoveSnapshotRequest(snapshotter=clients.SNAPSHOTTER, key=key),
                    empty_pb2.Empty,
                    namespace=namespace,
                )
            raise

    async def _record(self, manifest: layouts.Manifest, namespace: str, pinned: bool) -> None:
        labels = {"io.cri-containerd.image": "managed"}
        if pinned:
            labels["io.cri-containerd.pinned"] = "pinned"
        image = images_pb2.Image(name=manifest.name, target=manifest.target.message(), labels=labels)
        try:
            await self._client.call(
                _IMAGES,
                "Create",
                images_pb2.CreateImageRequest(image=image),
                images_pb2.CreateImageResponse,
                namespace=namespace,
            )
        except status.RpcError as error:
            if not clients.is_present(error):
                raise
            await self._client.call(
                _IMAGES,
                "Update",
                images_pb2.UpdateImageRequest(
                    image=image, update_mask=field_mask_pb2.FieldMask(paths=["target", "labels"])
                ),
                images_pb2.UpdateImageResponse,
                namespace=namespace,
            )

    async def _lease(self, namespace: str) -> str:
        made = await self._client.call(
            _LEASES,
            "Create",
            leases_pb2.CreateRequest(id=f"import-{uuid.uuid4().hex}"),
            leases_pb2.CreateResponse,
            namespace=namespace,
        )
        return str(made.lease.id)

    async def _end_lease(self, namespace: str, lease: str) -> None:
        with clients.ignore_missing():
            await self._client.call(
                _LEASES, "Delete", leases_pb2.DeleteRequest(id=lease), empty_pb2.Empty, namespace=namespace
            )

    # --- list, pull, remove, read

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
