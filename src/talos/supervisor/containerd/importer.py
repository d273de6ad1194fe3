"""Import of an OCI layout into a namespace of containerd.

It is the way into a node without a registry, and on the boot path, so it moves no bytes twice. Each blob of the layout
becomes a symbolic link in containerd's content store, which takes an existing file for a digest as that content (a
`Write` that commits without data). A layer that lies unpacked beside the layout (`layers/<SHA-256>/`, written by the
imager) stays where it is: the folder of its snapshot becomes a link to it, which overlayfs follows; its blob may be
missing then, as when containerd discards what it has unpacked. Other layers are
unpacked by containerd, those that several images share once; namespaces share content and snapshots by digest.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from google.protobuf import empty_pb2, field_mask_pb2

from talos.machinery.rpc import status
from talos.supervisor.containerd import client as clients
from talos.supervisor.containerd import layout as layouts
from talos.supervisor.containerd._generated.containerd import (
    content_pb2,
    diff_pb2,
    images_pb2,
    leases_pb2,
    namespaces_pb2,
    snapshots_pb2,
    types_pb2,
)

_CONTENT = content_pb2.DESCRIPTOR.services_by_name["Content"]
_IMAGES = images_pb2.DESCRIPTOR.services_by_name["Images"]
_SNAPSHOTS = snapshots_pb2.DESCRIPTOR.services_by_name["Snapshots"]
_DIFF = diff_pb2.DESCRIPTOR.services_by_name["Diff"]
_LEASES = leases_pb2.DESCRIPTOR.services_by_name["Leases"]
_NAMESPACES = namespaces_pb2.DESCRIPTOR.services_by_name["Namespaces"]

_STORE: Final = "io.containerd.content.v1.content/blobs"
UNPACK_TIMEOUT_S: Final = 300.0


class Source:
    """A layout and how its blobs get into the content store below containerd's `root`.

    `stays`: the layout is trusted and remains where it is; else its blobs are checked and taken over (hard links), so
    that it can be removed.
    """

    def __init__(self, folder: Path, root: Path, *, stays: bool) -> None:
        self._folder, self._root, self._stays = folder, root, stays
        self.manifests = layouts.read_layout(folder)
        layers = {layer.digest: layer for manifest in self.manifests for layer in manifest.layers}
        self._without_blob = frozenset(
            digest
            for digest, layer in layers.items()
            if not layouts.blob_path(folder, digest).exists() and self.unpacked(layer) is not None
        )

    async def check(self) -> None:
        """Raise Invalid when a blob of a layout from somewhere else is not what it says."""
        if not self._stays:
            await asyncio.to_thread(layouts.check_blobs, self._folder, self.manifests)

    def place(self, manifests: Sequence[layouts.Manifest]) -> None:
        """Put the blobs where containerd keeps its content; a link to a layout that is gone is renewed."""
        for source, target in self._missing(manifests):
            target.unlink(missing_ok=True)
            if self._stays:
                target.symlink_to(source)
            else:
                os.link(source, target)

    def _missing(self, manifests: Sequence[layouts.Manifest]) -> Iterator[tuple[Path, Path]]:
        for digest in layouts.digests(manifests):
            source, target = layouts.blob_path(self._folder, digest), self._root / _STORE / digest.replace(":", "/")
            if target.exists() or digest in self._without_blob:
                continue
            if not source.exists():
                raise FileNotFoundError(2, "blob is missing in the layout", os.fspath(source))
            target.parent.mkdir(parents=True, exist_ok=True)
            yield source, target

    def has_blob(self, layer: layouts.Descriptor) -> bool:
        """Whether the layer is there as a blob, and not only unpacked."""
        return layer.digest not in self._without_blob

    def unpacked(self, layer: layouts.Descriptor) -> Path | None:
        """Where the layer lies unpacked, if it does."""
        found = layouts.layer_path(self._folder, layer.digest)
        return found if self._stays and found.is_dir() else None


class Importer:
    """Images of a source on their way into one namespace, under a lease that keeps what nothing refers to yet."""

    def __init__(self, client: clients.Client, source: Source, namespace: str) -> None:
        self._client, self._source, self._namespace = client, source, namespace
        self._lease = ""
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(
        self, manifests: Sequence[layouts.Manifest], present: Mapping[str, str], pinned: Callable[[str], bool]
    ) -> None:
        """Import what is not `present` (name -> digest). Raises OSError, RpcError."""
        manifests = [m for m in manifests if present.get(m.name) != m.target.digest]
        if not manifests:
            return
        await self._make_namespace()
        made = await self._client.call(
            _LEASES,
            "Create",
            leases_pb2.CreateRequest(id=f"import-{uuid.uuid4().hex}"),
            leases_pb2.CreateResponse,
            namespace=self._namespace,
        )
        self._lease = str(made.lease.id)
        try:
            async with asyncio.TaskGroup() as group:
                for manifest in manifests:
                    await self._register(manifest)
                    # A garbage collection before the registration takes blobs away as unknown.
                    self._source.place([manifest])
                    task = group.create_task(self._finish(manifest, pinned(manifest.name)))
                    self._running.setdefault(manifest.chain_ids[0], task)
        finally:
            await self._end_lease()

    async def _finish(self, manifest: layouts.Manifest, pinned: bool) -> None:
        """Unpack and record one image; one that shares its first layer waits for the image that unpacks it."""
        first = self._running.get(manifest.chain_ids[0])
        if first is not None and first is not asyncio.current_task():
            await asyncio.wait([first])
        await self._unpack(manifest)
        await self._record(manifest, pinned)

    async def _make_namespace(self) -> None:
        with clients.ignore_present():
            await self._client.call(
                _NAMESPACES,
                "Create",
                namespaces_pb2.CreateNamespaceRequest(namespace=namespaces_pb2.Namespace(name=self._namespace)),
                namespaces_pb2.CreateNamespaceResponse,
            )

    async def _register(self, manifest: layouts.Manifest) -> None:
        """Make the blobs known in the namespace, with the labels that keep what they refer to."""
        references = {"containerd.io/gc.ref.content.config": manifest.config.digest}
        for number, layer in enumerate(manifest.layers):
            if self._source.has_blob(layer):
                references[f"containerd.io/gc.ref.content.l.{number}"] = layer.digest
                await self._register_blob(layer, {})
        snapshot = {f"containerd.io/gc.ref.snapshot.{clients.SNAPSHOTTER}": manifest.chain_ids[-1]}
        await self._register_blob(manifest.config, snapshot)
        await self._register_blob(manifest.target, references)

    async def _register_blob(self, blob: layouts.Descriptor, labels: dict[str, str]) -> None:
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
            await self._client.exchange(_CONTENT, "Write", request, namespace=self._namespace, lease=self._lease)

    async def _unpack(self, manifest: layouts.Manifest) -> None:
        """Make the snapshot of every layer that has none yet."""
        parent = ""
        for layer, chain_id in zip(manifest.layers, manifest.chain_ids, strict=True):
            if not await self._has_snapshot(chain_id):
                await self._make_snapshot(layer, chain_id, parent)
            parent = chain_id

    async def _has_snapshot(self, name: str) -> bool:
        try:
            await self._client.call(
                _SNAPSHOTS,
                "Stat",
                snapshots_pb2.StatSnapshotRequest(snapshotter=clients.SNAPSHOTTER, key=name),
                snapshots_pb2.StatSnapshotResponse,
                namespace=self._namespace,
            )
        except status.RpcError as error:
            if clients.is_missing(error):
                return False
            raise
        return True

    async def _make_snapshot(self, layer: layouts.Descriptor, chain_id: str, parent: str) -> None:
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
                namespace=self._namespace,
                lease=self._lease,
            )
        except status.RpcError as error:
            if clients.is_present(error):
                # Another namespace has unpacked it: the snapshotter found it by its label.
                return
            raise
        try:
            await self._fill(layer, list(prepared.mounts))
            with clients.ignore_present():
                await self._client.call(
                    _SNAPSHOTS,
                    "Commit",
                    snapshots_pb2.CommitSnapshotRequest(
                        snapshotter=clients.SNAPSHOTTER, name=chain_id, key=key, labels=labels
                    ),
                    empty_pb2.Empty,
                    namespace=self._namespace,
                    lease=self._lease,
                )
        except BaseException:
            with clients.ignore_missing():
                await self._client.call(
                    _SNAPSHOTS,
                    "Remove",
                    snapshots_pb2.RemoveSnapshotRequest(snapshotter=clients.SNAPSHOTTER, key=key),
                    empty_pb2.Empty,
                    namespace=self._namespace,
                )
            raise

    async def _fill(self, layer: layouts.Descriptor, mounts: Sequence[types_pb2.Mount]) -> None:
        unpacked, folder = self._source.unpacked(layer), upper_folder(mounts)
        if unpacked is not None and folder is not None:
            folder.rmdir()
            folder.symlink_to(unpacked)
            return
        await self._client.call(
            _DIFF,
            "Apply",
            diff_pb2.ApplyRequest(diff=layer.message(), mounts=mounts),
            diff_pb2.ApplyResponse,
            namespace=self._namespace,
            lease=self._lease,
            timeout_s=UNPACK_TIMEOUT_S,
        )

    async def _record(self, manifest: layouts.Manifest, pinned: bool) -> None:
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
                namespace=self._namespace,
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
                namespace=self._namespace,
            )

    async def _end_lease(self) -> None:
        with clients.ignore_missing():
            await self._client.call(
                _LEASES, "Delete", leases_pb2.DeleteRequest(id=self._lease), empty_pb2.Empty, namespace=self._namespace
            )


def upper_folder(mounts: Sequence[types_pb2.Mount]) -> Path | None:
    """The folder that a new snapshot writes to: overlayfs' upper one, or the source of the bind mount of a first layer.

    None for what another snapshotter than overlayfs would give.
    """
    if len(mounts) != 1:
        return None
    mount = mounts[0]
    if mount.type == "bind" and "rw" in mount.options:
        return Path(mount.source)
    upper = [option.removeprefix("upperdir=") for option in mount.options if option.startswith("upperdir=")]
    return Path(upper[0]) if mount.type == "overlay" and len(upper) == 1 else None
