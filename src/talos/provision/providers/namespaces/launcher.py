"""A node's launcher: the process that stands for the machine's power supply.

    starting ── running ── init ends ─┬─ exit code 0: the node is shut down ── stopped, the launcher ends
        ▲                             ├─ exit code 42: the node reboots ──┐
        └──────── (pause) ────────────┴─ anything else: it crashed ───────┘

SIGTERM asks init to shut down and ends everything after the grace; SIGHUP is the reset button. When the launcher dies,
however that happens, the kernel kills the node: no launcher, no node. What the node writes to its console goes to
`console.log`, bounded by one rotation. Standard library and a few modules of `linux` only: it stays in memory.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from talos.base import errors
from talos.linux import ns
from talos.provision.providers.namespaces import launch, machine

EXIT_REBOOT = 42
_CONSOLE_LIMIT_BYTES = 8 * 1024 * 1024
_BOOT_LIMIT_S = 60.0
_PAUSE_FIRST_S, _PAUSE_MAX_S, _STABLE_S = 0.5, 30.0, 60.0
_WANTED = ("reboot", "reset")
_HANDLED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD)


class Console:
    """The console log: appends, and starts a new file when the present one is too long."""

    def __init__(self, file: Path, limit_bytes: int = _CONSOLE_LIMIT_BYTES) -> None:
        self._file, self._limit_bytes = file, limit_bytes
        self._open()

    def _open(self) -> None:
        self._fd = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._fd).st_size

    def write(self, data: bytes) -> None:
        """Append; a full disk loses output rather than the node."""
        if self._size + len(data) > self._limit_bytes:
            with contextlib.suppress(OSError):
                os.close(self._fd)
                self._file.rename(self._file.with_name(f"{self._file.name}.1"))
                self._open()
        with contextlib.suppress(OSError):
            self._size += os.write(self._fd, data)

    def say(self, text: str) -> None:
        """A line of the launcher itself."""
        self.write(f"[launcher] {text}\n".encode(errors="replace"))


class Launcher:
    """One node: boots it until it is shut down."""

    def __init__(self, what: launch.Launch, folder: Path) -> None:
        self._what, self._folder = what, folder
        self._console = Console(folder / launch.CONSOLE_FILE)
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._read_end, self._write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read_end, False)
        self._wake, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._record = launch.Record(os.getpid(), _start_ticks(), _host_boot_id())
        self._signals: list[int] = []
        self._pid = 0
        self._deadline: float | None = None
        self._stopping = False
        self._reset = False

    def run(self, report: int | None) -> int:
        """Boot, supervise, boot again. `report` gets one line about the first boot: "ok" or what went wrong."""
        self._save()
        for number in _HANDLED:
            signal.signal(number, lambda received, _: self._signals.append(received))
        signal.set_wakeup_fd(self._wake_write)
        pause_s = 0.0
        while True:
            began = time.monotonic()
            if (reason := self._boot()) is None:
                _tell(report, "ok")
                report = None
                code = self._supervise()
                if self._stopping or code == 0:
                    return self._end("shut down" if code == 0 else "killed", launch.STOPPED)
                reason = self._why(code)
            elif report is not None:
                _tell(report, reason)
                self._end(reason, launch.FAILED)
                return 1
            if reason in _WANTED:
                pause_s = 0.0
            elif time.monotonic() - began > _STABLE_S:
                pause_s = _PAUSE_FIRST_S
            else:
                pause_s = min(max(pause_s * 2, _PAUSE_FIRST_S), _PAUSE_MAX_S)
            self._console.say(f"{reason}; starting again" + (f" in {pause_s:g} s" if pause_s else ""))
            self._save(state=launch.STARTING, init_pid=0, message=reason)
            if self._pause(pause_s):
                return self._end("stopped while the node was down", launch.STOPPED)

    def _why(self, code: int) -> str:
        if self._reset:
            self._reset = False
            return "reset"
        return "reboot" if code == EXIT_REBOOT else f"init ended with {_describe(code)}"

    def _end(self, message: str, state: str) -> int:
        self._console.say(message)
        self._save(state=state, init_pid=0, message=message)
        return 0

    def _save(self, **changes: object) -> None:
        self._record = dataclasses.replace(self._record, **changes)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):  # a full disk must not end the node
            self._record.save(self._folder)

    # boot

    def _boot(self) -> str | None:
        """Fork the machine; returns when init runs, with None, or with what went wrong."""
        clear_cgroups(self._what.cgroup.directories)
        # A pid namespace is for the next children, and cannot be left towards a new one but over our own.
        ns.enter(self._own_pids, ns.Kind.PID)
        ns.unshare(ns.Kind.PID)
        answer, tell = os.pipe2(os.O_CLOEXEC)
        self._pid = os.fork()
        if self._pid == 0:
            _child(self._what, self._write_end, tell)
        os.close(tell)
        problem = _read_answer(answer)
        os.close(answer)
        if problem:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
            return problem
        self._save(state=launch.RUNNING, init_pid=self._pid, boots=self._record.boots + 1, message="")
        return None

    # supervision

    def _supervise(self) -> int:
        """Until init has ended; its exit code, negative for a signal."""
        handle = os.pidfd_open(self._pid)
        poll = select.poll()
        for fd in (self._read_end, self._wake, handle):
            poll.register(fd, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poll.poll(self._wait_ms())}
                if self._read_end in ready:
                    self._pump()
                if self._wake in ready:
                    self._react()
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    self._console.say("the grace is over")
                    self._kill()
                if handle in ready:
                    _, status = os.waitpid(self._pid, 0)
                    self._pump()
                    return os.waitstatus_to_exitcode(status)
        finally:
            self._pid = 0
            os.close(handle)

    def _wait_ms(self) -> int | None:
        return None if self._deadline is None else max(0, int((self._deadline - time.monotonic()) * 1000) + 1)

    def _pump(self) -> None:
        """Console to log, at most what is there now."""
        for _ in range(64):
            try:
                data = os.read(self._read_end, 1 << 16)
            except BlockingIOError:
                return
            self._console.write(data)

    def _react(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 512)
        while self._signals:
            number = self._signals.pop(0)
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stop()
            elif number == signal.SIGHUP:
                self._reset = True
                self._kill()

    def _stop(self) -> None:
        if self._stopping or not self._pid:
            self._kill()
        else:
            self._console.say("asking init to shut down")
            os.kill(self._pid, signal.SIGTERM)
            self._deadline = time.monotonic() + self._what.grace_s
            self._save(state=launch.STOPPING)
        self._stopping = True

    def _kill(self) -> None:
        # The kernel ends the whole pid namespace with its PID 1.
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        self._deadline = None

    def _pause(self, seconds: float) -> bool:
        """Wait before the next boot; True when asked to stop meanwhile."""
        deadline = time.monotonic() + seconds
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            if select.select([self._wake], [], [], left)[0]:
                self._react()
        if self._signals:
            self._react()
        return self._stopping


def _child(what: launch.Launch, console: int, tell: int) -> None:
    """In the forked child: never returns."""
    current = ""

    def step(name: str) -> None:
        nonlocal current
        current = name

    try:
        signal.set_wakeup_fd(-1)
        machine.become(what, console, step)
    except BaseException as error:
        # Nothing may escape into the launcher's code.
        os.write(tell, f"{current}: {error or type(error).__name__}"[:4000].encode(errors="replace"))
    os._exit(126)


def _read_answer(fd: int) -> str:
    """What the child said before its exec closed the pipe: nothing when all went well."""
    deadline, said = time.monotonic() + _BOOT_LIMIT_S, b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            return f"the machine was not made within {_BOOT_LIMIT_S:g} s"
        chunk = os.read(fd, 4096)
        if not chunk:
            return said.decode(errors="replace")
        said += chunk


def _tell(fd: int | None, text: str) -> None:
    """One line to whoever started us; nobody may be there any more."""
    if fd is None:
        return
    with contextlib.suppress(OSError):
        os.write(fd, text.encode(errors="replace")[:4000])
    os.close(fd)


def clear_cgroups(directories: Sequence[str]) -> None:
    """Remove what the last boot left below the node's cgroup, which in v2 takes no process while it gives controllers
    to children."""
    for directory in directories:
        for name, _, _ in os.walk(directory, topdown=False):
            if name != directory:
                with contextlib.suppress(OSError):
                    Path(name).rmdir()
        control = Path(directory, "cgroup.subtree_control")
        if control.exists():
            for name in control.read_text().split():
                with contextlib.suppress(OSError):
                    control.write_text(f"-{name}")


def _describe(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _start_ticks() -> int:
    stat = Path("/proc/self/stat").read_text()
    return int(stat[stat.rindex(")") + 2 :].split()[19])


def _host_boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def main(arguments: Sequence[str]) -> int:
    """`launcher FOLDER [REPORT_FD]`."""
    folder = Path(arguments[0])
    report = int(arguments[1]) if len(arguments) > 1 else None
    if report is not None:
        os.set_inheritable(report, False)
    try:
        return Launcher(launch.Launch.load(folder), folder).run(report)
    except (OSError, errors.TalosError, ValueError, TypeError, KeyError) as error:
        _tell(report, f"launcher: {error}")
        sys.stderr.write(f"launcher: {error}\n")
        return 1
