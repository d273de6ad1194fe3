"""Builds the Go components into the cache, `components/<key>/`, and compares them with the lock file.

A component's key covers its manifest entry, its folder (go.mod, go.sum, sources), the toolchain's version and, where C
is compiled, the sysroot's packages for it. Go's own build cache lies beside it, so a build killed half-way goes on
where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from talos.imager import cache, command, errors, manifest, sysroot, toolchain
from talos.imager.progress import Progress

_BUILD_TIMEOUT_S = 3600.0
_LAYOUT = 1  # raised when the way of building changes
_C_PACKAGES = ("gcc-14", "cpp-14", "binutils", "libc6", "libgcc", "libseccomp", "linux-libc-dev")


@dataclass(frozen=True, slots=True)
class Built:
    """Programs of all components: name (also of links) to file."""

    keys: Mapping[str, str]
    programs: Mapping[str, Path]

    def path(self, name: str) -> Path:
        """File of the program `name`."""
        return self.programs[name]


def _sources(folder: Path) -> list[list[str]]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return [[str(p.relative_to(folder)), cache.file_sha256(p)] for p in files]


class Builder:
    """Builds components of one manifest with one toolchain."""

    def __init__(
        self,
        folder: Path,
        go: toolchain.Go,
        tree: sysroot.Sysroot,
        *,
        top: Path | None = None,
        gocache: Path | None = None,
    ) -> None:
        self.folder, self.go, self.tree = folder, go, tree
        self.components = manifest.load(folder / "manifest.toml")
        self._top = top or cache.root()
        self._cache = cache.Cache("components", self._top)
        self._gocache = gocache or Path(os.environ.get("GOCACHE") or cache.root() / "go-build")
        self._modules = Path(os.environ.get("GOMODCACHE") or cache.root() / "go-mod")

    def key(self, component: manifest.Component) -> str:
        """Changes with everything that decides the component's bytes."""
        sources = _sources(self.folder / component.folder)
        native = self.tree.describe(_C_PACKAGES) if component.cgo else None
        return f"{component.name}-{cache.key(_LAYOUT, component.describe(), sources, self.go.version, native)}"

    def _environment(self, component: manifest.Component) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO"))}
        # Where modules come from is the administrator's business; how they are compiled is ours.
        kept |= {
            name: os.environ[name] for name in ("GOPROXY", "GONOSUMDB", "GOPRIVATE", "GOSUMDB") if name in os.environ
        }
        return kept | {
            "GOCACHE": str(self._gocache),
            "GOMODCACHE": str(self._modules),
            "GOFLAGS": "-mod=readonly",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "GOOS": "linux",
            "GOARCH": "amd64",
            "GOAMD64": "v1",
            "CGO_ENABLED": "1" if component.cgo else "0",
            "CC": "gcc",
        }

    def _build_program(self, component: manifest.Component, package: str, output: Path, log: Path) -> None:
        source = self.folder / component.folder
        argv = [str(self.go.program), "build", "-trimpath", "-buildvcs=false", f"-ldflags={component.ldflags()}"]
        argv += [f"-tags={','.join(component.tags)}", "-o", str(output), package]
        environment = self._environment(component)
        if not component.cgo:
            command.run(argv, log=log, timeout_s=_BUILD_TIMEOUT_S, env=environment, cwd=source)
            return
        # Modules are fetched outside, where certificates and proxies are set up; C is compiled inside.
        fetch = [str(self.go.program), "mod", "download"]
        command.run(fetch, log=log, timeout_s=_BUILD_TIMEOUT_S, env=environment, cwd=source)
        self._gocache.mkdir(parents=True, exist_ok=True)
        shared = [self.go.root, self._gocache, self._modules, source, output.parent]
        inside = {name: value for name, value in environment.items() if name.startswith(("GO", "CGO", "CC"))}
        inside |= {"GOPROXY": "off", "GOTMPDIR": str(output.parent), "GOROOT": str(self.go.root)}
        self.tree.run(argv, log=log, timeout_s=_BUILD_TIMEOUT_S, shared=shared, cwd=source, env=inside)

    def _fill(self, component: manifest.Component, folder: Path) -> None:
        log = self._top / "logs" / f"component-{component.name}.log"
        log.unlink(missing_ok=True)
        for name, package in component.programs.items():
            self._build_program(component, package, folder / name, log)
            (folder / name).chmod(0o755)
            for link in component.links.get(name, ()):
                (folder / link).symlink_to(name)

    def build_one(self, name: str) -> Path:
        """Folder with the programs of one component."""
        component = self.components[name]
        return self._cache.build(self.key(component), lambda folder: self._fill(component, folder))

    def cached(self, name: str) -> bool:
        """Whether the component needs no work."""
        return self._cache.get(self.key(self.components[name])) is not None

    def build(self, progress: Progress, names: Iterable[str] | None = None) -> Built:
        """Build what is missing of `names` (default: all), one step each."""
        keys: dict[str, str] = {}
        programs: dict[str, Path] = {}
        for name in names or self.components:
            component = self.components[name]
            keys[name] = self.key(component)
            if self.cached(name):
                folder = self.build_one(name)
            else:
                with progress.step(f"build {name} {component.version}"):
                    folder = self.build_one(name)
            for program in component.programs:
                programs[program] = folder / program
                programs |= dict.fromkeys(component.links.get(program, ()), folder / program)
        return Built(keys, programs)


def digests(built: Built, components: Mapping[str, manifest.Component]) -> dict[str, str]:
    """SHA-256 by `component/program`, without links."""
    return {
        f"{component.name}/{name}": cache.file_sha256(built.path(name))
        for component in components.values()
        if component.name in built.keys
        for name in component.programs
    }


class Lock:
    """`components/lock.json`: for each toolchain version, the SHA-256 of every artefact a build gave."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}

    def differences(self, toolchain_version: str, found: Mapping[str, str]) -> list[str]:
        """Artefacts whose bytes are not the recorded ones, and unrecorded ones; one line each."""
        recorded = self.entries.get(toolchain_version, {})
        lines = []
        for name, digest in sorted(found.items()):
            if name not in recorded:
                lines.append(f"{name}: not recorded for {toolchain_version}")
            elif recorded[name] != digest:
                lines.append(f"{name}: {digest}, recorded is {recorded[name]}")
        return lines

    def update(self, toolchain_version: str, found: Mapping[str, str]) -> None:
        """Record `found`, and write the file."""
        self.entries[toolchain_version] = dict(sorted(found.items()))
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.entries, indent=2, sort_keys=True) + "\n")
        temporary.rename(self.path)

    def check(self, toolchain_version: str, found: Mapping[str, str]) -> None:
        """Raise `NotReproduced` listing every difference."""
        if lines := self.differences(toolchain_version, found):
            raise errors.NotReproduced(f"not the bytes of {self.path}:\n  " + "\n  ".join(lines))
