"""A tree of Debian 13 (trixie) packages: source of the node's native programs, and the place where C is compiled.

Building inside it makes the bytes of C programs independent of the host's distribution: Debian 12, 13 and Ubuntu 24.04
give the same `runc`. mmdebstrap resolves and unpacks, without running any maintainer script. What was unpacked is
recorded with versions and hashes (`packages.json`), which is part of the key of everything made from it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from talos.imager import cache, command, errors

_LAYOUT = 3  # raised when the way the tree is made changes
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEFAULT_MIRROR = "http://deb.debian.org"
_MERGED = ("bin", "sbin", "lib", "lib64")


@dataclass(frozen=True, slots=True)
class Package:
    """One unpacked binary package."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Sysroot:
    """An unpacked tree, never written to after it was made."""

    path: Path
    packages: tuple[Package, ...]

    def version(self, name: str) -> str:
        """Version of a package in the tree."""
        return next(p.version for p in self.packages if p.name == name)

    def describe(self, prefixes: tuple[str, ...] = ("",)) -> list[list[str]]:
        """What the tree consists of, for cache keys; `prefixes` of package names restrict it to what matters."""
        return [[p.name, p.version, p.sha256] for p in self.packages if p.name.startswith(prefixes)]

    def run(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        timeout_s: float,
        shared: Sequence[Path] = (),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program of the tree. `shared` folders appear under their own paths; all else is thrown away."""
        stage = cache.root() / "stage"
        stage.mkdir(parents=True, exist_ok=True)
        script = "\n".join(chroot_script(self.path, stage, shared, cwd, argv))
        unshare = [command.find("unshare", "util-linux"), "--mount", "--propagation", "private", "sh", "-euc", script]
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", **(env or {})}
        return command.run(unshare, log=log, timeout_s=timeout_s, env=clean)


def chroot_script(tree: Path, stage: Path, shared: Sequence[Path], cwd: Path | None, argv: Sequence[str]) -> list[str]:
    """Shell lines, run in a private mount namespace, that put a throw-away overlay over `tree` and enter it; pure.

    `stage` is an empty folder that is hidden meanwhile; nothing shared may be below it.
    """
    quote = shlex.quote
    root, layers = quote(f"{stage}/root"), f"lowerdir={tree},upperdir={stage}/upper,workdir={stage}/work"
    lines = [
        f"mount -t tmpfs tmpfs {quote(str(stage))}",
        f"mkdir {quote(f'{stage}/upper')} {quote(f'{stage}/work')} {root}",
        f"mount -t overlay overlay -o {quote(layers)} {root}",
        f"mkdir -p {root}/dev {root}/proc {root}/tmp",
        f"mount --rbind /dev {root}/dev",
        f"mount -t proc proc {root}/proc",
    ]
    for path in shared:
        inside = quote(f"{stage}/root{path}")
        lines += [f"mkdir -p {inside}", f"mount --bind {quote(str(path))} {inside}"]
    entered = f"cd {quote(str(cwd or '/'))} && exec {shlex.join(argv)}"
    lines.append(f"exec chroot {root} /bin/sh -c {quote(entered)}")
    return lines


def packages(table: Path) -> tuple[str, list[str]]:
    """Suite and sorted package names of `rootfs/packages.toml`."""
    parsed = tomllib.loads(table.read_text())
    wanted = {entry["name"] for group in parsed["group"].values() for entry in group}
    return str(parsed["suite"]), sorted(wanted)


def _sources(suite: str) -> str:
    mirror = os.environ.get("TALOS_DEBIAN_MIRROR", DEFAULT_MIRROR).rstrip("/")
    return (
        f"deb [signed-by={_KEYRING}] {mirror}/debian {suite} main\n"
        f"deb [signed-by={_KEYRING}] {mirror}/debian-security {suite}-security main\n"
    )


def _record(archives: Path) -> list[dict[str, str]]:
    found = []
    for deb in sorted(archives.glob("*.deb")):
        name, version, _ = deb.name.split("_", 2)
        found.append({"name": name, "version": unquote(version), "sha256": cache.file_sha256(deb)})
    return found


def _fill(folder: Path, suite: str, names: Sequence[str], log: Path) -> None:
    if not _KEYRING.exists():
        raise errors.ToolMissing(f"{_KEYRING} is absent (apt-get install debian-archive-keyring)")
    sources, tree = folder / "sources.list", folder / "root"
    sources.write_text(_sources(suite))
    argv = [command.find("mmdebstrap", "mmdebstrap"), "--variant=extract", "--mode=root", "--architectures=amd64"]
    argv += ['--aptopt=APT::Install-Recommends "false"', "--skip=cleanup/apt", f"--include={','.join(names)}"]
    command.run([*argv, suite, str(tree), str(sources)], log=log, timeout_s=1800)
    (folder / "packages.json").write_text(json.dumps(_record(tree / "var/cache/apt/archives"), indent=1) + "\n")
    shutil.rmtree(tree / "var/cache/apt")
    shutil.rmtree(tree / "var/lib/apt")
    for name in _MERGED:
        # A tree with base-files has them.
        if not (tree / name).is_symlink():
            (tree / name).symlink_to(f"usr/{name}")


def load(path: Path) -> Sysroot:
    """The finished tree below `path`."""
    records = json.loads((path / "packages.json").read_text())
    return Sysroot(path / "root", tuple(Package(r["name"], r["version"], r["sha256"]) for r in records))


def _name(suite: str, names: Sequence[str]) -> str:
    return cache.key(_LAYOUT, suite, names)


def cached(table: Path) -> bool:
    """Whether the tree is there."""
    return cache.Cache("sysroots").get(_name(*packages(table))) is not None


def build(table: Path, *, log: Path) -> Sysroot:
    """The tree for the package table, from the cache or the mirror."""
    suite, names = packages(table)
    kept = cache.Cache("sysroots")
    return load(kept.build(_name(suite, names), lambda folder: _fill(folder, suite, names, log), sync=False))
