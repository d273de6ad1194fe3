"""Programs the host has to have, and the Debian packages they come from.

Nothing is asked of apt when all are there, so a machine that is set up needs no network.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.imager import cache, command
from talos.imager.progress import Progress

_APT_TIMEOUT_S = 1800.0
_PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Package:
    """A package, how to see that it is there, and why it is wanted."""

    name: str
    why: str
    program: str = ""
    path: str = ""
    module: str = ""

    def present(self) -> bool:
        """Whether what it brings is on this machine, whoever brought it."""
        if self.program:
            return shutil.which(self.program, path=_PATH) is not None
        if self.path:
            return Path(self.path).exists()
        return importlib.util.find_spec(self.module) is not None


PACKAGES = (
    Package(
        "ca-certificates",
        "TLS to the package indexes and the Go module proxy",
        path="/etc/ssl/certs/ca-certificates.crt",
    ),
    Package(
        "debian-archive-keyring",
        "checks the signature of trixie",
        path="/usr/share/keyrings/debian-archive-keyring.gpg",
    ),
    Package("iproute2", "networks of the tests", program="ip"),
    Package("mmdebstrap", "unpacks the node's Debian packages", program="mmdebstrap"),
    Package("mount", "overlays of builds", program="mount"),
    Package("nftables", "address translation for the nodes", program="nft"),
    Package("python3-venv", "makes the environment in .venv", module="ensurepip"),
    Package("util-linux", "private mount namespaces of builds", program="unshare"),
    Package("xfsprogs", "makes the nodes' EPHEMERAL file systems", program="mkfs.xfs"),
)


def require_root(what: str) -> None:
    """Raise `Denied` when the effective user is not root."""
    if os.geteuid() != 0:
        raise errors.Denied(f"{what} needs root: it makes namespaces, mounts and network interfaces (sudo ./dev …)")


def require_architecture() -> None:
    """Raise `Unsupported` on what no component was ever built for."""
    machine = os.uname().machine
    if machine != "x86_64":
        raise errors.Unsupported(f"this machine is {machine}; components and images are built for x86_64 only")


def missing() -> list[Package]:
    """Packages whose content is absent."""
    return [package for package in PACKAGES if not package.present()]


def prepare(progress: Progress) -> None:
    """Install what is missing with apt."""
    wanted = missing()
    if not wanted:
        return
    for package in wanted:
        progress.note(f"  missing: {package.name} ({package.why})")
    require_root("installing packages")
    if shutil.which("apt-get") is None:
        names = ", ".join(package.name for package in wanted)
        raise errors.Unsupported(f"no apt-get here; install what these Debian packages bring: {names}")
    log = cache.root() / "logs" / "apt.log"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"apt-get install {' '.join(package.name for package in wanted)}"):
        command.run(["apt-get", "update", "-q"], log=log, timeout_s=_APT_TIMEOUT_S, env=environment)
        argv = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *(package.name for package in wanted)]
        command.run(argv, log=log, timeout_s=_APT_TIMEOUT_S, env=environment)
    importlib.invalidate_caches()
    if still := missing():
        raise errors.Permanent(f"still missing after apt-get: {', '.join(p.name for p in still)}; see {log}")
