"""Writes an OCI image layout: one folder for all images, layers stored once however many images use them.

Formats: OCI Image Format Specification 1.1 (image-layout, image-index, image-manifest, image-config). Every image of
the index carries the annotation `io.containerd.image.name`, which importers take for its full name, and
`org.opencontainers.image.ref.name`, its tag.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from talos.imager import cache

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
NAME_ANNOTATION = "io.containerd.image.name"
_CREATED = "2023-11-14T22:13:20Z"


@dataclass(frozen=True, slots=True)
class Runtime:
    """How containers of the image start by default."""

    entrypoint: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = "/"
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    labels: Mapping[str, str] = field(default_factory=dict)


Descriptor = dict[str, object]


class Layout:
    """A layout being written to `folder`."""

    def __init__(self, folder: Path, architecture: str = "amd64") -> None:
        self.folder, self.architecture = folder, architecture
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._manifests: list[Descriptor] = []

    def add_layer(self, write: Callable[[Path], None]) -> Descriptor:
        """Store what `write(path)` leaves at the path as an uncompressed layer."""
        temporary = self._blobs / ".layer.tmp"
        write(temporary)
        digest, size = cache.file_sha256(temporary), temporary.stat().st_size
        temporary.rename(self._blobs / digest)
        return {"mediaType": LAYER_TYPE, "digest": f"sha256:{digest}", "size": size}

    def _add_json(self, media_type: str, value: object) -> Descriptor:
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def add_image(self, name: str, layers: Sequence[Descriptor], runtime: Runtime) -> str:
        """Add an image under its full name; the digest of its manifest."""
        config: dict[str, object] = {"Env": [f"PATH={runtime.path}"], "WorkingDir": runtime.working_dir}
        if runtime.entrypoint:
            config["Entrypoint"] = list(runtime.entrypoint)
        if runtime.user:
            config["User"] = runtime.user
        if runtime.labels:
            config["Labels"] = dict(runtime.labels)
        described = self._add_json(
            CONFIG_TYPE,
            {
                "created": _CREATED,
                "architecture": self.architecture,
                "os": "linux",
                "config": config,
                # An uncompressed layer's digest is also its diff id.
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
                "history": [{"created": _CREATED, "created_by": "pytalos imager"} for _ in layers],
            },
        )
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": described, "layers": list(layers)}
        descriptor = self._add_json(MANIFEST_TYPE, manifest)
        descriptor["platform"] = {"architecture": self.architecture, "os": "linux"}
        descriptor["annotations"] = {
            NAME_ANNOTATION: name,
            "org.opencontainers.image.ref.name": name.rsplit(":", 1)[-1],
        }
        self._manifests.append(descriptor)
        return str(descriptor["digest"])

    def finish(self) -> None:
        """Write the index, which makes the folder a layout."""
        manifests = sorted(self._manifests, key=lambda m: json.dumps(m["annotations"], sort_keys=True))
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (self.folder / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
