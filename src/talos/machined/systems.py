"""The systems of this machine as machined deals with them: obtained, asked, installed, switched.

    reference ─ containerd or the medium ─ layers checked ─ looked at ─ asked about the configuration ─ written

Everything up to "written" leaves the machine as it is; after it the loader tries the new system, and comes back to the
one before unless that says that it is good (controllers/runtime/boot_assessment).
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talos.base import errors
from talos.base.constants import paths, versions
from talos.machined import configuration
from talos.machined.modes import Mode
from talos.supervisor.containerd import client as containerd
from talos.supervisor.containerd import images

if TYPE_CHECKING:
    # Imported where it is needed: a node that is not being changed has no use for it.
    from talos.installer import machine, sources

_log = logging.getLogger("installer")
SCRATCH = Path("/run/installer")
STAGED = Path("/var/system/installer")
_BLOBS = "io.containerd.content.v1.content/blobs"
_MANIFEST_BYTES = 4 << 20
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `namespace`: where containerd has the image, or is to put it."""

    image: str
    namespace: str = versions.CONTAINERD_NAMESPACE_SYSTEM
    pull: bool = True
    force: bool = False


class Systems:
    """One at a time: whoever comes while another is at work is refused."""

    def __init__(self, client: containerd.Client, config: configuration.Configuration, mode: Mode) -> None:
        self._images, self._config, self._mode = images.Images(client), config, mode
        self.changing = asyncio.Lock()

    @functools.cached_property
    def machine(self) -> machine.Machine:
        """The machine's disks and loader. Blocking: for threads."""
        from talos.installer import machine

        return machine.Machine()

    def supported(self) -> None:
        """Raises Unsupported where the system is somebody else's."""
        if not self._mode & Mode.MACHINE:
            raise errors.Unsupported(f"method is not supported in {self._mode.label} mode")

    def busy(self) -> None:
        """Raises Conflict while another installation or upgrade is under way."""
        if self.changing.locked():
            raise errors.Conflict("another installation or upgrade is under way")

    # --- obtaining

    async def obtain(self, wish: Wish, say: Say, folder: Path = SCRATCH) -> sources.Found:
        """The system of an installer image. Raises NotFound, Invalid, Conflict, Temporary, OSError."""
        import shutil

        from talos.installer import sources

        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        if wish.image.startswith("/"):
            return await asyncio.to_thread(_from_path, Path(wish.image), folder)
        if not paths.CONTAINERD_SOCKET.exists():
            return await self._from_medium(wish, say)
        if not await self._images.exists(wish.image, wish.namespace):
            if not wish.pull:
                raise errors.NotFound(f"image {wish.image} is not on this node: pull it first")
            say(f"pulling {wish.image}")
            await self._images.pull(wish.image, wish.namespace)
        say(f"unpacking {wish.image}")
        layers = await self._layers(wish)
        await asyncio.to_thread(_check_layers, layers)
        return await asyncio.to_thread(sources.from_layers, [path for path, _ in layers], folder)

    async def _from_medium(self, wish: Wish, say: Say) -> sources.Found:
        """Before there is a disk there is no place for images: the running system is the one that can be installed."""
        tag = wish.image.rpartition("@")[0] or wish.image
        tag = tag.rpartition(":")[2] if ":" in tag.rpartition("/")[2] else ""
        if tag and tag not in (versions.RELEASE, versions.TALOS):
            raise errors.Unsupported(
                f"{wish.image} is asked for, but a machine without a disk can only install what it was started from:"
                f" {versions.RELEASE}"
            )
        say("taking the system this machine was started from")
        return await asyncio.to_thread(self.machine.running_system)

    async def _layers(self, wish: Wish) -> list[tuple[Path, str]]:
        from talos.installer import sources

        found = next((i for i in await self._images.list(wish.namespace) if i.name == wish.image), None)
        if found is None:
            raise errors.NotFound(f"image {wish.image} is not known in {wish.namespace}")
        document = await self._json(found.digest, wish.namespace)
        if "manifests" in document:
            wanted = sources.ARCHITECTURES[os.uname().machine]
            fitting = [m for m in document["manifests"] if (m.get("platform") or {}).get("architecture") == wanted]
            if not fitting:
                raise errors.Invalid(f"image {wish.image} has nothing for {wanted}")
            document = await self._json(fitting[0]["digest"], wish.namespace)
        digests = [str(layer["digest"]) for layer in document.get("layers", [])]
        return [(paths.CONTAINERD_ROOT / _BLOBS / digest.replace(":", "/"), digest) for digest in digests]

    async def _json(self, digest: str, namespace: str) -> dict[str, Any]:
        import hashlib

        raw = await self._images.read(digest, namespace, _MANIFEST_BYTES)
        if f"sha256:{hashlib.sha256(raw).hexdigest()}" != digest:
            raise errors.Invalid(f"{digest} has other contents than its name says")
        value = json.loads(raw)
        if not isinstance(value, dict):
            raise errors.Invalid(f"{digest} is no manifest")
        return value

    # --- checking

    async def ask(self, found: sources.Found, say: Say) -> None:
        """Let the new system look at the configuration the node boots with. Raises Invalid with what it refuses."""
        from talos.installer import asking

        config = await self._config.persistent() or await self._config.active()
        if config is None:
            return
        say(f"asking {found.system.version} about the configuration")
        problems = await asyncio.to_thread(
            asking.config_problems, found, SCRATCH.with_name("installer-root"), config, self._mode.label
        )
        if problems:
            raise errors.Invalid(f"{found.system.version} does not take this node's configuration:\n{problems}")

    async def check_room(self, found: sources.Found) -> None:
        """Raises Conflict when there is no room, before the first byte."""

        def look() -> None:
            running = self.machine.running_image()
            with self.machine.partition() as part:
                part.check_room(found.system, running)

        await asyncio.to_thread(look)

    # --- changing

    async def install(self, disk: str, found: sources.Found, *, wipe: bool, say: Say) -> None:
        """Install on a disk. Raises what `Machine.install` does."""
        await asyncio.to_thread(lambda: self.machine.install(disk, found, wipe=wipe, values={}, say=say))

    async def upgrade(self, found: sources.Found, say: Say) -> None:
        """Write the system beside the present one and make it the next. Raises what `Machine.upgrade` does."""
        import shutil

        await asyncio.to_thread(self.machine.upgrade, found, say)
        await asyncio.to_thread(shutil.rmtree, found.path.parent, ignore_errors=True)

    async def roll_back(self) -> str:
        """Make the system before this one the next. Raises NotFound."""
        return await asyncio.to_thread(self.machine.roll_back, _log.info)

    # --- staged

    async def stage(self, wish: Wish, say: Say) -> None:
        """Keep a system for the next boot to install. Raises what `obtain` and `ask` do."""
        from talos.boot import meta as metas

        found = await self.obtain(wish, say, STAGED)
        await self.ask(found, say)
        await self.check_room(found)
        options = json.dumps({"digest": found.system.digest, "version": found.system.version}).encode()
        changes: dict[int, bytes | None] = {
            metas.Tag.STAGED_UPGRADE_IMAGE: wish.image.encode(),
            metas.Tag.STAGED_UPGRADE_OPTIONS: options,
        }
        await asyncio.to_thread(lambda: self.machine.meta().update(changes))

    def take_staged(self) -> sources.Found | None:
        """The system kept for this boot, once: whether it can be installed or not, the wish is gone.

        Blocks. Raises Invalid when what was kept is not what was asked for.
        """
        from talos.boot import meta as metas
        from talos.installer import sources

        try:
            place = self.machine.meta()
            values = place.read()
        except (errors.TalosError, OSError):
            return None
        if metas.Tag.STAGED_UPGRADE_IMAGE not in values:
            return None
        place.update({metas.Tag.STAGED_UPGRADE_IMAGE: None, metas.Tag.STAGED_UPGRADE_OPTIONS: None})
        loader = STAGED / sources.LOADER
        found = sources.from_file(STAGED / sources.IMAGE, loader.read_bytes() if loader.exists() else None)
        try:
            wanted = json.loads(values.get(metas.Tag.STAGED_UPGRADE_OPTIONS, b"{}")).get("digest")
        except ValueError:
            wanted = None
        if wanted != found.system.digest:
            raise errors.Invalid("the system kept for this boot is not the one that was asked for")
        return found


def _from_path(path: Path, folder: Path) -> sources.Found:
    """A file on the node: a unified kernel image, or an OCI archive. Raises Invalid, OSError."""
    import shutil

    from talos.installer import sources

    with path.open("rb") as source:
        magic = source.read(2)
    if magic == b"MZ":
        return sources.from_file(path)
    from talos.supervisor.containerd import archives
    from talos.supervisor.containerd import layout as layouts

    layout = folder / "layout"
    layout.mkdir()
    archives.unpack(path, layout)
    manifests = layouts.read_layout(layout, sources.ARCHITECTURES[os.uname().machine])
    if len(manifests) != 1:
        raise errors.Invalid(f"{path} holds {len(manifests)} images, one is needed")
    layouts.check_blobs(layout, manifests)
    try:
        return sources.from_layers([layouts.blob_path(layout, d.digest) for d in manifests[0].layers], folder)
    finally:
        shutil.rmtree(layout, ignore_errors=True)


def _check_layers(layers: list[tuple[Path, str]]) -> None:
    import hashlib

    for path, digest in layers:
        with path.open("rb") as source:
            got = hashlib.file_digest(source, "sha256").hexdigest()
        if digest != f"sha256:{got}":
            raise errors.Invalid(f"layer {digest} has other contents than its name says")
