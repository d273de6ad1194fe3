"""The one door to processes: `run` for commands that end, `spawn` for services that stay.

`spawn` forks by itself because the standard library cannot place a child in a cgroup, drop capabilities or set
no_new_privs before exec. The child makes system calls only and reports the step that failed through a pipe that exec
closes, so `spawn` returns a process that really runs the program, or raises.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shlex
import signal
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from talos.base import errors
from talos.linux import caps, pidfd
from talos.linux._libc import libc

OUTPUT_LIMIT_BYTES = 32 * 1024 * 1024
_CLOSE_RANGE_CLOEXEC = 4


class CommandFailed(errors.TalosError):
    """A command ended badly. Its text is a line to paste into a shell, the exit code and the end of the output."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        self.argv, self.code, self.output = tuple(argv), code, output
        ending = output.strip()[-2000:]
        super().__init__(f"{shlex.join(argv)}: exit code {code}" + (f": {ending}" if ending else ""))


@dataclass(frozen=True, slots=True)
class Completed:
    """Result of a command. `code` is negative for a signal, as in subprocess."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode(errors="replace")


async def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    timeout_s: float,
    check: bool = True,
) -> Completed:
    """Run a command to its end.

    Raises CommandFailed for a non-zero exit code if `check`, TimedOut after `timeout_s` (the command is killed), and
    OSError when it cannot be started. Output beyond 32 MiB is dropped.
    """
    words = tuple(os.fspath(word) for word in argv)
    child = subprocess.Popen(  # noqa: ASYNC220  (vfork and exec; asyncio's own needs a thread per child on 3.11)
        words,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        start_new_session=True,
    )
    handle = pidfd.Handle(child.pid)
    try:
        async with asyncio.timeout(timeout_s):
            stdout, stderr, _ = await asyncio.gather(
                _drain(child.stdout), _drain(child.stderr), _feed(child.stdin, stdin)
            )
            await handle.wait_end()
    except TimeoutError:
        raise errors.TimedOut(f"{shlex.join(words)}: not finished after {timeout_s:g} s") from None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        handle.close()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream is not None:
                stream.close()
    completed = Completed(words, child.returncode, stdout, stderr)
    if check and child.returncode != 0:
        raise CommandFailed(words, child.returncode, (stderr or stdout).decode(errors="replace"))
    return completed


async def _drain(stream: object) -> bytes:
    """Read a pipe to its end through the event loop."""
    fd = stream.fileno()  # type: ignore[attr-defined]
    os.set_blocking(fd, False)
    loop, size = asyncio.get_running_loop(), 0
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(fd, 1 << 16)
        except BlockingIOError:
            await _ready(loop, fd, write=False)
            continue
        if not chunk:
            return b"".join(chunks)
        size += len(chunk)
        if size <= OUTPUT_LIMIT_BYTES:
            chunks.append(chunk)


async def _feed(stream: object, data: bytes | None) -> None:
    """Write `data` to a pipe and close it; a reader that goes away early is no error."""
    if stream is None or data is None:
        return
    fd = stream.fileno()  # type: ignore[attr-defined]
    os.set_blocking(fd, False)
    loop, view = asyncio.get_running_loop(), memoryview(data)
    try:
        while view:
            try:
                view = view[os.write(fd, view[: 1 << 16]) :]
            except BlockingIOError:
                await _ready(loop, fd, write=True)
    except BrokenPipeError:
        pass
    finally:
        stream.close()  # type: ignore[attr-defined]


async def _ready(loop: asyncio.AbstractEventLoop, fd: int, *, write: bool) -> None:
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
    add(fd, wake)
    try:
        await ready
    finally:
        remove(fd)


@dataclass(frozen=True, slots=True)
class Spawn:
    """What a service process is given. Everything not named is inherited or the kernel's default.

    `capabilities`: names to keep, None leaves all. `cgroup_files`: paths of `cgroup.procs` files to enter (one for v2,
    one per hierarchy for v1). `rlimits`: resource.RLIMIT_* -> (soft, hard). `stdio`: path opened read-write as stdout
    and stderr (a FIFO, so that the process never sees its reader go away); stdin is /dev/null.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    uid: int = 0
    gid: int = 0
    groups: Sequence[int] = ()
    capabilities: frozenset[str] | None = None
    no_new_privileges: bool = False
    oom_score_adj: int | None = None
    cgroup_files: Sequence[Path] = ()
    rlimits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    stdio: Path | None = None
    cwd: str = "/"
    umask: int = 0o022
    inherit_fds: Mapping[int, int] = field(default_factory=dict)
    """Number in the child -> our file descriptor."""


class Child:
    """A spawned process, our child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.handle = pidfd.Handle(pid)
        self.started = pidfd.start_time(pid)

    async def wait(self) -> tuple[int | None, int]:
        """Return (exit code, signal) after the end; the child is reaped."""
        await self.handle.wait_end()
        result = self.handle.reap()
        self.handle.close()
        return result


def spawn(what: Spawn) -> Child:
    """Fork and exec. Raises OSError naming the step that failed in the child."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    opened = [null]
    try:
        out = null
        if what.stdio is not None:
            # O_RDWR on a FIFO does not block and keeps a read end open in the child.
            out = os.open(what.stdio, os.O_RDWR | os.O_CLOEXEC)
            opened.append(out)
        groups = [os.open(path, os.O_WRONLY | os.O_CLOEXEC) for path in what.cgroup_files]
        opened += groups
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        opened.append(read_end)
        keep = None if what.capabilities is None else caps.mask(what.capabilities)
        last = caps.last_capability()
        with warnings.catch_warnings():
            # The child only makes system calls before exec, which is safe beside threads.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _child(what, _Prepared(null, out, groups, write_end, keep, last))
        os.close(write_end)
        report = os.read(read_end, 512)
    finally:
        for fd in opened:
            os.close(fd)
    if report:
        os.waitpid(pid, 0)
        number, _, step = report.decode().partition(" ")
        raise OSError(int(number), f"{os.strerror(int(number))} ({step})", what.argv[0])
    return Child(pid)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is opened and computed before the fork."""

    null: int
    out: int
    groups: Sequence[int]
    report: int
    keep: int | None
    last: int


def _child(what: Spawn, prepared: _Prepared) -> NoReturn:
    step = "signals"
    try:
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        step = "cgroup"
        for fd in prepared.groups:
            os.write(fd, b"0")
        step = "oom score"
        if what.oom_score_adj is not None:
            _adjust_oom_score(what.oom_score_adj)
        step = "limits"
        for kind, limits in what.rlimits.items():
            resource.setrlimit(kind, limits)
        step = "files"
        os.dup2(prepared.null, 0)
        os.dup2(prepared.out, 1)
        os.dup2(prepared.out, 2)
        close_on_exec_from(3)
        for target, source in what.inherit_fds.items():
            os.dup2(source, target)
        os.umask(what.umask)
        os.chdir(what.cwd)
        step = "user"
        if prepared.keep is not None:
            caps.drop_bounding(prepared.keep, prepared.last)
            caps.keep_on_setuid()
        os.setgroups(list(what.groups))
        os.setresgid(what.gid, what.gid, what.gid)
        os.setresuid(what.uid, what.uid, what.uid)
        step = "capabilities"
        if prepared.keep is not None:
            caps.set_all(prepared.keep)
        if what.no_new_privileges:
            caps.set_no_new_privileges()
        step = "exec"
        os.execvpe(what.argv[0], list(what.argv), dict(what.env))  # noqa: S606  (that is the purpose)
    except BaseException as error:
        # Nothing may escape into the parent's code.
        code = error.errno if isinstance(error, OSError) and error.errno else 22
        os.write(prepared.report, f"{code} {step}: {error}".encode()[:500])
    os._exit(127)


def close_on_exec_from(first: int) -> None:
    """Let exec close every descriptor from `first` on, also those that were inherited without the flag."""
    libc.close_range(first, 0x7FFFFFFF, _CLOSE_RANGE_CLOEXEC)


def _adjust_oom_score(value: int) -> None:
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    try:
        os.write(fd, str(value).encode())
    except PermissionError:
        # Lowering needs CAP_SYS_RESOURCE, which a container may not have; the service works without.
        pass
    finally:
        os.close(fd)
