"""Builds the artifact set: components, images, root filesystem; verifies and prunes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tools.dev.environment import Environment

from talos.imager import assemble, cache, components, imagecache, images, kernel, machine, rootfs, sysroot, toolchain
from talos.imager.progress import Progress
from talos.provision import artifacts

DEVELOPMENT_LEVEL, RELEASE_LEVEL = 3, 19


class Workshop:
    """The builders of one checkout. Each method shows its steps and leaves its result in the cache."""

    def __init__(self, environment: Environment, progress: Progress) -> None:
        self.root, self.environment, self.progress = environment.root, environment, progress
        self._logs = cache.root() / "logs"
        self._trees: dict[str, sysroot.Sysroot] = {}

    def tree(self) -> sysroot.Sysroot:
        """The sysroot, made when absent."""
        return self._unpacked("packages", "Debian packages of the sysroot")

    def machine_tree(self) -> sysroot.Sysroot:
        """Kernel, boot loader and the tools of machine images and virtual machines, made when absent."""
        return self._unpacked("machine", "Debian's kernel, boot loader and QEMU")

    def _unpacked(self, name: str, title: str) -> sysroot.Sysroot:
        if name not in self._trees:
            table, log = self.root / "rootfs" / f"{name}.toml", self._logs / f"sysroot-{name}.log"
            if sysroot.cached(table):
                self._trees[name] = sysroot.build(table, log=log)
            else:
                with self.progress.step(title):
                    self._trees[name] = sysroot.build(table, log=log)
        return self._trees[name]

    def builder(self, *, top: Path | None = None, gocache: Path | None = None) -> components.Builder:
        """The component builder with a usable Go."""
        tree = self.tree()
        go, seen = toolchain.on_path()
        go = go or toolchain.fetched()
        if go is None:
            with self.progress.step(f"Go toolchain {toolchain.PINNED} ({seen})"):
                go = toolchain.find(self.environment.pip, log=self._logs / "toolchain.log")
        return components.Builder(self.root / "components", go, tree, top=top, gocache=gocache)

    def lock(self) -> components.Lock:
        """The record of what builds gave."""
        return components.Lock(self.root / "components" / "lock.json")

    def build_components(self, names: Iterable[str] | None = None) -> tuple[components.Builder, components.Built]:
        """All components, built."""
        builder = self.builder()
        return builder, builder.build(self.progress, names)

    def recipe(self, built: components.Built, level: int) -> rootfs.Recipe:
        """Inputs of the root filesystem."""
        return rootfs.Recipe(self.root, self.tree(), built, self.environment.pip, self._logs / "rootfs.log", level)

    def artifact_set(self, level: int = DEVELOPMENT_LEVEL) -> artifacts.ArtifactSet:
        """The whole set, made current."""
        builder, built = self.build_components()
        layout = self._shown(
            "container images", images.cached(built, self.tree()), lambda: images.build(built, self.tree())
        )
        recipe = self.recipe(built, level)
        packed = self._shown("root filesystem", rootfs.cached(recipe), lambda: rootfs.build(recipe))
        return assemble.assemble(built, builder.components, layout, packed)

    def machine_image(self, level: int = DEVELOPMENT_LEVEL) -> Path:
        """Folder with a machine's disk image and unified kernel image; made current."""
        _, built = self.build_components()
        tree = kernel.Kernel(self.machine_tree())
        layout, log = images.build(built, self.tree()), self._logs / "machine.log"
        packed = self._shown(
            "container images for machines",
            imagecache.cached(layout, tree.tree, level),
            lambda: imagecache.build(layout, tree.tree, level, log),
        )
        recipe = machine.Recipe(self.recipe(built, level), tree, images=packed, log=log)
        self._shown("kernel modules", machine.modules_cached(recipe), lambda: machine.modules(recipe))
        return self._shown("machine image", machine.cached(recipe), lambda: machine.build(recipe))

    def _shown(self, title: str, cached: bool, make: object) -> Path:
        assert callable(make)
        if cached:
            return Path(make())
        with self.progress.step(title):
            return Path(make())

    def digests(self, builder: components.Builder, built: components.Built) -> dict[str, str]:
        """SHA-256 of every artefact, programs, image manifests and layers, and of the Debian packages that went in."""
        found = components.digests(built, builder.components) | self._packages()
        return found | images.digests(images.build(built, self.tree()))

    def _packages(self) -> dict[str, str]:
        packages = [*self.tree().packages, *self.machine_tree().packages]
        return {f"debian:{package.name}_{package.version}": package.sha256 for package in packages}

    def verify(self, names: Iterable[str] | None = None) -> dict[str, str]:
        """Build again in another place, with an empty Go cache, and compare with the lock. Raises `NotReproduced`."""
        again = cache.root() / "verify"
        cache.remove_tree(again)
        try:
            builder = self.builder(top=again, gocache=again / "go-build")
            built = builder.build(self.progress, names)
            found = components.digests(built, builder.components)
            if names is None:
                with self.progress.step("container images, again"):
                    layout = again / "images"
                    images.write(layout, built, self.tree())
                    found |= images.digests(layout) | self._packages()
            self.lock().check(builder.go.version, found)
        finally:
            cache.remove_tree(again)
        return found


def _mentioned_by_clusters(keys: Iterable[str]) -> set[str]:
    """Keys that a local cluster's state speaks of: its files must stay."""
    state = Path(os.environ.get("TALOS_HOME") or Path.home() / ".talos") / "clusters"
    texts = [
        path.read_text(errors="replace")
        for path in state.glob("*/*")
        if path.is_file() and path.stat().st_size < 1 << 22
    ]
    return {key for key in keys if any(key in text for text in texts)}


def prune(*, everything: bool) -> list[str]:
    """Remove superseded results, or all but what a cluster uses; the removed paths."""
    sets = cache.Cache("artifacts")
    present = [path.name for path in sets.folder.glob("[0-9a-f]*")] if sets.folder.is_dir() else []
    keep = _mentioned_by_clusters(present)
    if not everything and (sets.folder / "current").exists():
        keep.add((sets.folder / "current").resolve().name)
    removed = [f"artifacts/{name}" for name in sets.prune(keep)]
    if everything:
        (sets.folder / "current").unlink(missing_ok=True)
        kinds = [
            "components",
            "images",
            "rootfs",
            "rootfs-bases",
            "bytecode",
            "sysroots",
            "wheels",
            "toolchains",
            "go-build",
        ]
        kinds += ["go-mod", "verify", "logs"]
        for kind in kinds:
            if (cache.root() / kind).exists():
                cache.remove_tree(cache.root() / kind)
                removed.append(kind)
    else:
        # Sets hold links to these; what no set needs is made again when wanted.
        removed += [f"rootfs/{name}" for name in cache.Cache("rootfs").prune(set())]
        newest = _newest(cache.Cache("rootfs-bases").folder)
        removed += [f"rootfs-bases/{name}" for name in cache.Cache("rootfs-bases").prune(newest)]
    return removed


def _newest(folder: Path) -> set[str]:
    entries = [path for path in folder.glob("[0-9a-f]*") if path.is_dir()]
    return {max(entries, key=lambda path: path.stat().st_mtime).name} if entries else set()
