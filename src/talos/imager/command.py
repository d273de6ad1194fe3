"""Runs build tools: minutes long, output to a log, known failures named.

The node's own door to processes (`talos.linux.process`) is asynchronous and keeps output in memory; builds run in
sequence, and their output belongs in a file that a person can open while they run.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from talos.imager import errors

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here, because a child between fork and exec must not load
_TAIL_BYTES = 4000
_DISK_FULL = re.compile(r"no space left on device|ENOSPC|disk quota exceeded", re.IGNORECASE)
_NO_NETWORK = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake timeout|network is unreachable|"
    r"Temporary failure (in name resolution|resolving)|Could not resolve|Failed to fetch|Unable to connect|"
    r"NewConnectionError|Connection timed out|module lookup disabled|proxyconnect|"
    r"reading https?://\S+: (4\d\d|5\d\d)|40[34] (Forbidden|Not Found)",
    re.IGNORECASE,
)


def _end_with_parent() -> None:
    """In the child: end when the builder is killed, or it would go on writing where the next run builds."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def find(name: str, package: str) -> str:
    """Path of a host program; `package` is the Debian package that has it."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise errors.ToolMissing(f"{name} is not installed (Debian and Ubuntu: apt-get install {package})")
    return found


def _tail(path: Path) -> str:
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return log.read().decode(errors="replace").strip()


def classify(argv: Sequence[str], code: int, output: str) -> Exception:
    """The named error for a tool's failure; pure."""
    if _DISK_FULL.search(output):
        return errors.DiskFull(f"no space left while running {argv[0]}; free some, the next run resumes\n{output}")
    if _NO_NETWORK.search(output):
        return errors.NetworkMissing(
            f"{argv[0]} could not fetch what is pinned: no network, or the proxy does not serve it\n{output}"
        )
    return errors.BuildFailed(argv, code, output)


def run(
    argv: Sequence[str],
    *,
    log: Path,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run `argv` in a process group of its own, appending its output to `log`; the output's end is returned.

    Raises the errors of `talos.imager.errors`; on time-out or interruption the whole group is killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        sink.write(f"$ {' '.join(argv)}\n".encode())
        sink.flush()
        start = sink.tell()
        try:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one thread writes progress, none holds a lock over a fork
            )
        except FileNotFoundError as exc:
            raise errors.ToolMissing(f"{argv[0]} is not installed") from exc
        try:
            code = child.wait(timeout_s)
        except BaseException as exc:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if isinstance(exc, subprocess.TimeoutExpired):
                raise errors.BuildFailed(argv, -1, f"not done after {timeout_s:.0f} s\n{_tail(log)}") from exc
            raise
    with log.open("rb") as written:
        written.seek(start)
        output = written.read().decode(errors="replace").strip()
    if code != 0:
        raise classify(argv, code, output[-_TAIL_BYTES:])
    return output
