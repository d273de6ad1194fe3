"""What this machine can do, probed once: the meaning of the needs_* markers."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from pathlib import Path

CLONE_NEWNET = 0x40000000


def _root() -> str | None:
    return None if os.geteuid() == 0 else "not root"


def _netns() -> str | None:
    """Try it in a child: the caller keeps its namespace."""
    if reason := _root():
        return reason
    pid = os.fork()
    if pid == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        os._exit(0 if libc.unshare(CLONE_NEWNET) == 0 else 1)
    _, status = os.waitpid(pid, 0)
    return None if os.waitstatus_to_exitcode(status) == 0 else "unshare(CLONE_NEWNET) is refused"


def _loop() -> str | None:
    return _root() or (None if Path("/dev/loop-control").exists() else "no /dev/loop-control")


def artifacts_dir() -> Path:
    """Where ./dev leaves the built artifact set."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "talos" / "artifacts" / "current"


def _artifacts() -> str | None:
    return None if (artifacts_dir() / "artifacts.json").exists() else f"no artifact set at {artifacts_dir()}"


def _cluster() -> str | None:
    return _netns() or _loop() or _artifacts()


def machine_dir() -> Path:
    """Where ./dev leaves the built machine image."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "talos" / "machines" / "current"


def _machine() -> str | None:
    found = (machine_dir() / "disk.raw").exists()
    return _root() or (None if found else f"no machine image at {machine_dir()} (./dev image --vm builds it)")


def original_fixtures_dir() -> Path:
    """The original's own test inputs, beside the checkout when somebody has them; never needed."""
    return Path(__file__).resolve().parent.parent.parent / "shared" / "fixtures"


def _original_fixtures() -> str | None:
    return None if original_fixtures_dir().is_dir() else "the original's fixtures are not beside the checkout"


PROBES: dict[str, Callable[[], str | None]] = {
    "needs_root": _root,
    "needs_netns": _netns,
    "needs_loop": _loop,
    "needs_artifacts": _artifacts,
    "needs_cluster": _cluster,
    "needs_machine": _machine,
    "needs_original_fixtures": _original_fixtures,
}
OPTIONAL = frozenset({"needs_original_fixtures"})


@functools.cache
def missing(name: str) -> str | None:
    """Reason why the capability is absent, None when present."""
    return PROBES[name]()
