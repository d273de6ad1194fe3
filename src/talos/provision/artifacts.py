"""The artifact set: everything a local cluster is made of, in one folder that never changes once it is complete.

    <key>/artifacts.json    this set's table of contents, written last
    <key>/rootfs.sqsh       the node's root filesystem
    <key>/images/           OCI layout with every image a node needs to boot a cluster
    <key>/bin/              programs for the person: kubectl, etcdctl, …
    current -> <key>        what a new cluster takes

The imager writes it; provisioners read it through `ArtifactSet.load`, and a cluster's state records the set it was made
from, so that a later build does not pull the files away from a running cluster.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors

FORMAT = 1
_FILE = "artifacts.json"


def default_folder() -> Path:
    """The set that a new cluster takes: `$XDG_CACHE_HOME/talos/artifacts/current`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "talos" / "artifacts" / "current"


@dataclass(frozen=True, slots=True)
class ArtifactSet:
    """One complete set.

    `versions` maps `talos`, `kubernetes`, `etcd`, … to what the set contains; `image_names` maps a role (`kubelet`,
    `kube-apiserver`, `etcd`, `coredns`, `flannel`, `pause`, `testbox`, …) to the full image name; `sha256` maps paths
    inside the folder to digests (of `images/index.json` for the images, which pins all blobs).
    """

    folder: Path
    key: str
    versions: Mapping[str, str]
    image_names: Mapping[str, str]
    sha256: Mapping[str, str]

    @property
    def rootfs(self) -> Path:
        """The root filesystem image (squashfs)."""
        return self.folder / "rootfs.sqsh"

    @property
    def images(self) -> Path:
        """The OCI layout."""
        return self.folder / "images"

    def program(self, name: str) -> Path:
        """A program for the person. Raises `NotFound`."""
        path = self.folder / "bin" / name
        if not path.exists():
            raise errors.NotFound(f"the artifact set {self.key} has no program {name}")
        return path

    def save(self) -> None:
        """Write the table of contents; the set is complete after that."""
        content = {
            "format": FORMAT,
            "key": self.key,
            "versions": dict(self.versions),
            "image_names": dict(self.image_names),
            "sha256": dict(self.sha256),
        }
        temporary = self.folder / f".{_FILE}"
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        temporary.rename(self.folder / _FILE)

    @classmethod
    def load(cls, folder: Path | None = None) -> ArtifactSet:
        """The set in `folder` (default: the current one), with links resolved so that it stays what it is.

        Raises `NotFound` when nothing was built yet, `Invalid` when the table is not of this format.
        """
        resolved = (folder or default_folder()).resolve()
        try:
            content = json.loads((resolved / _FILE).read_text())
        except FileNotFoundError as exc:
            raise errors.NotFound(f"no artifact set at {folder or default_folder()}; `./dev image` builds it") from exc
        except ValueError as exc:
            raise errors.Invalid([errors.Problem(str(exc), where=str(resolved / _FILE))]) from exc
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise errors.Invalid([errors.Problem(f"not format {FORMAT}", "format", str(resolved / _FILE))])
        try:
            return cls(resolved, content["key"], content["versions"], content["image_names"], content["sha256"])
        except KeyError as exc:
            raise errors.Invalid([errors.Problem(f"{exc} is missing", where=str(resolved / _FILE))]) from exc

    def check(self) -> None:
        """Raise NotFound for a part that is missing, Invalid for one that is cut off or not the one of the table.

        Takes milliseconds: digests of the large files are the imager's matter.
        """
        from talos.supervisor.containerd import layout

        try:
            _check_squashfs(self.rootfs)
            index = self.images / "index.json"
            if hashlib.sha256(index.read_bytes()).hexdigest() != self.sha256.get("images/index.json"):
                raise errors.Invalid([errors.Problem("not the file of the table of contents", where=str(index))])
            for manifest in layout.read_layout(self.images):
                for descriptor in (manifest.config, *manifest.layers):
                    _check_size(layout.blob_path(self.images, descriptor.digest), descriptor.size)
        except FileNotFoundError as exc:
            raise errors.NotFound(f"the artifact set lacks {exc.filename}; `./dev image` builds it anew") from exc


def _check_squashfs(file: Path) -> None:
    """By the superblock (magic, and bytes_used at offset 40; kernel: fs/squashfs/squashfs_fs.h)."""
    with file.open("rb") as source:
        head = source.read(48)
    used = int.from_bytes(head[40:48], "little")
    if head[:4] != b"hsqs" or not 96 < used <= file.stat().st_size:
        raise errors.Invalid([errors.Problem("damaged, `./dev image` builds it anew", where=str(file))])


def _check_size(file: Path, size: int) -> None:
    if (found := file.stat().st_size) != size:
        problem = f"{found} bytes instead of {size}, `./dev image` builds it anew"
        raise errors.Invalid([errors.Problem(problem, where=str(file))])
