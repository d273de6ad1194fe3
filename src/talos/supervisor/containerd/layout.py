"""OCI layout directories: which images one holds, and of what they are made (opencontainers/image-spec).

Nothing here talks to containerd. Digests are checked to be SHA-256 before they become file names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.supervisor.containerd._generated.containerd import types_pb2

NAME_ANNOTATION = "io.containerd.image.name"
REFERENCE_ANNOTATION = "org.opencontainers.image.ref.name"
_INDEX_TYPES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What an OCI document points to."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Descriptor:
        """Read a descriptor. Raises Invalid for a digest that is no SHA-256."""
        digest = str(raw.get("digest", ""))
        algorithm, _, value = digest.partition(":")
        if algorithm != "sha256" or len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise errors.Invalid(f"digest {digest!r} is not a SHA-256")
        return cls(str(raw.get("mediaType", "")), digest, int(raw.get("size", 0)), dict(raw.get("annotations") or {}))

    def message(self) -> types_pb2.Descriptor:
        """Return the message of containerd's API."""
        return types_pb2.Descriptor(
            media_type=self.media_type, digest=self.digest, size=self.size, annotations=dict(self.annotations)
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image of a layout, read as far as needed."""

    name: str
    target: Descriptor
    config: Descriptor
    layers: tuple[Descriptor, ...]
    diff_ids: tuple[str, ...]

    @property
    def chain_ids(self) -> tuple[str, ...]:
        """Names of the snapshots after each layer (image-spec, config.md, "Layer ChainID")."""
        chain: list[str] = []
        for diff_id in self.diff_ids:
            if not chain:
                chain.append(diff_id)
            else:
                joined = hashlib.sha256(f"{chain[-1]} {diff_id}".encode()).hexdigest()
                chain.append(f"sha256:{joined}")
        return tuple(chain)


def read_layout(layout: Path, architecture: str = "amd64") -> list[Manifest]:
    """Read the images of an OCI layout directory (image-spec, image-layout.md). Raises OSError, Invalid."""
    index = json.loads((layout / "index.json").read_bytes())
    found: list[Manifest] = []
    for entry in index.get("manifests", []):
        target = Descriptor.parse(entry)
        name = target.annotations.get(NAME_ANNOTATION) or target.annotations.get(REFERENCE_ANNOTATION, "")
        if name:
            found.append(_manifest(layout, name, target, architecture))
    return found


def _manifest(layout: Path, name: str, target: Descriptor, architecture: str) -> Manifest:
    document = json.loads(blob_path(layout, target.digest).read_bytes())
    if target.media_type in _INDEX_TYPES:
        fitting = [m for m in document["manifests"] if (m.get("platform") or {}).get("architecture") == architecture]
        if not fitting:
            raise errors.Invalid(f"image {name} has no manifest for {architecture}")
        inner = Descriptor.parse(fitting[0])
        return _manifest(layout, name, inner, architecture)
    config = Descriptor.parse(document["config"])
    rootfs = json.loads(blob_path(layout, config.digest).read_bytes())["rootfs"]
    layers = tuple(Descriptor.parse(layer) for layer in document["layers"])
    if len(layers) != len(rootfs["diff_ids"]):
        raise errors.Invalid(f"image {name} has {len(layers)} layers and {len(rootfs['diff_ids'])} diff ids")
    return Manifest(name, target, config, layers, tuple(rootfs["diff_ids"]))


def blob_path(layout: Path, digest: str) -> Path:
    """Return where a layout keeps a blob."""
    return layout / "blobs" / digest.replace(":", "/")


def layer_path(layout: Path, digest: str) -> Path:
    """Return where the imager puts a layer that it unpacks."""
    return layout / "layers" / digest.removeprefix("sha256:")


def digests(manifests: Sequence[Manifest]) -> list[str]:
    """Return the digests of all blobs of these images, sorted."""
    return sorted({d.digest for m in manifests for d in (m.target, m.config, *m.layers)})


def check_blobs(layout: Path, manifests: Sequence[Manifest]) -> None:
    """Compute every blob's digest. Raises Invalid for one that is something else. Blocks; meant for a thread."""
    for digest in digests(manifests):
        with blob_path(layout, digest).open("rb") as source:
            found = hashlib.file_digest(source, "sha256").hexdigest()
        if found != digest.removeprefix("sha256:"):
            raise errors.Invalid(f"blob {digest} has other contents than its name says")
