"""A virtual machine's keeper: the process that stands for its power supply and its console server.

    starting ── running ── QEMU ends ─┬─ the guest shut down, or was asked to ── stopped, the keeper ends
        ▲                             └─ anything else ── (pause) ──┐
        └───────────────────────────────────────────────────────────┘

A guest that reboots stays in its QEMU. SIGTERM presses the power button and pulls the plug after the grace, a second
one at once; SIGHUP is the reset button. QEMU dies with its keeper: no keeper, no node. The serial line goes to
`console.log`, bounded by one rotation. Nothing of the event loop is imported: it stays in memory.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from talos.base import errors
from talos.linux import ns, pidfd, procfs
from talos.provision.providers.namespaces import launch
from talos.provision.providers.namespaces.launcher import Console
from talos.provision.providers.qemu import hardware, qmp, segment

_PAUSE_FIRST_S, _PAUSE_MAX_S, _STABLE_S = 0.5, 30.0, 60.0
_HANDLED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
# A guest that does not listen yet loses the press.
_PRESS_AGAIN_S = 5.0
_LOG_FILE = "qemu.log"
_BY_GUEST = "guest-shutdown"


@dataclasses.dataclass(slots=True)
class _Running:
    """A QEMU and what we hold of it."""

    process: subprocess.Popen[bytes]
    monitor: qmp.Monitor
    shut_down: bool = False


class Keeper:
    """One machine, until it is shut down."""

    def __init__(self, machine: hardware.Machine, folder: Path) -> None:
        self._machine, self._folder = machine, folder
        self._console = Console(folder / launch.CONSOLE_FILE)
        self._wake, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._record = launch.Record(os.getpid(), pidfd.start_time(os.getpid()), procfs.boot_id())
        self._signals: list[int] = []
        self._stopping, self._deadline, self._press_at = False, 0.0, 0.0
        for number in _HANDLED:
            signal.signal(number, lambda received, _: self._signals.append(received))
        signal.set_wakeup_fd(wake_write)

    def run(self, report: int | None) -> int:
        """Power on, supervise, power on again after a crash. `report` gets one line: "ok" or what went wrong."""
        self._save()
        pause_s = 0.0
        while True:
            began = time.monotonic()
            try:
                running = self._power_on()
            except (OSError, errors.TalosError) as error:
                reason = str(error)
                if report is not None:
                    _tell(report, reason)
                    self._end(reason, launch.FAILED)
                    return 1
            else:
                _tell(report, "ok")
                report = None
                code = self._supervise(running)
                if self._stopping or running.shut_down:
                    return self._end("shut down" if running.shut_down else "switched off", launch.STOPPED)
                reason = f"QEMU ended with {code}"
            stable = time.monotonic() - began > _STABLE_S
            pause_s = _PAUSE_FIRST_S if stable else min(max(pause_s * 2, _PAUSE_FIRST_S), _PAUSE_MAX_S)
            self._console.say(f"{reason}; starting again in {pause_s:g} s")
            self._save(state=launch.STARTING, init_pid=0, message=reason)
            if self._pause(pause_s):
                return self._end("stopped while the machine was off", launch.STOPPED)

    def _end(self, message: str, state: str) -> int:
        self._console.say(message)
        self._save(state=state, init_pid=0, message=message)
        return 0

    def _save(self, **changes: object) -> None:
        self._record = dataclasses.replace(self._record, **changes)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):  # a full disk must not end the node
            self._record.save(self._folder)

    def _power_on(self) -> _Running:
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as undo:
            undo.callback(theirs.close)
            tap = None
            if (link := self._machine.link) is not None:
                tap = segment.open_tap(link.name, link.bridge, link.mtu)
                undo.callback(os.close, tap)
            log = undo.enter_context((self._folder / _LOG_FILE).open("ab"))
            inherited = [theirs.fileno(), *([tap] if tap is not None else [])]
            words = hardware.command(self._machine, monitor_fd=theirs.fileno(), tap_fd=tap)
            process = subprocess.Popen(
                words,
                env={"PATH": os.environ.get("PATH", ""), "HOME": "/", **self._machine.emulator.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=inherited,
                preexec_fn=_end_with_keeper,  # noqa: PLW1509  (this process has one thread)
            )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        running = _Running(process, qmp.Monitor(ours))
        try:
            version = running.monitor.negotiate()
        except errors.TalosError:
            process.kill()
            process.wait()
            self._pump(running)
            _close(running)
            raise errors.Permanent(_last_line(self._folder / _LOG_FILE) or "QEMU ended at once") from None
        self._console.say(f"power on: QEMU {version}, {self._machine.accelerator}")
        self._save(state=launch.RUNNING, init_pid=process.pid, boots=self._record.boots + 1, message="")
        return running

    # supervision

    def _supervise(self, running: _Running) -> int:
        """Until QEMU has ended; its exit code."""
        assert running.process.stdout is not None
        poll = select.poll()
        for fd in (running.process.stdout.fileno(), running.monitor.fileno(), self._wake):
            poll.register(fd, select.POLLIN)
        while running.process.poll() is None and not running.monitor.closed:
            poll.poll(1000 if self._stopping else None)
            self._pump(running)
            self._note(running)
            self._react(running)
        code = running.process.wait()
        self._pump(running)
        _close(running)
        return code

    def _pump(self, running: _Running) -> None:
        """Serial line to log, at most what is there now."""
        assert running.process.stdout is not None
        for _ in range(64):
            try:
                data = os.read(running.process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not data:
                return
            self._console.write(data)

    def _note(self, running: _Running) -> None:
        for event in running.monitor.events():
            data = event.get("data") or {}
            if event["event"] == "RESET" and data.get("guest"):
                self._console.say("reboot")
                self._save(boots=self._record.boots + 1, message="")
            elif event["event"] == "SHUTDOWN":
                running.shut_down = running.shut_down or data.get("reason") == _BY_GUEST
            elif event["event"] == "STOP":
                self._stopped(running)

    def _stopped(self, running: _Running) -> None:
        """QEMU halts a machine that it cannot run on; a person would press reset in vain, so it is started anew."""
        if not self._stopping:
            status = running.monitor.execute("query-status").get("status", "")
            self._console.say(f"the machine is halted: {status}")
            running.process.kill()

    def _react(self, running: _Running) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 512)
        while self._signals:
            if self._signals.pop(0) != signal.SIGHUP:
                self._stop(running)
            elif self._command(running, "system_reset"):
                self._console.say("reset")
                self._save(boots=self._record.boots + 1, message="")
        if self._stopping and running.process.poll() is None:
            now = time.monotonic()
            if now >= self._deadline:
                self._console.say("the grace is over")
                running.process.kill()
                self._deadline = now + 60.0
            elif now >= self._press_at:
                self._command(running, "system_powerdown")
                self._press_at = now + _PRESS_AGAIN_S

    def _stop(self, running: _Running) -> None:
        now = time.monotonic()
        if self._stopping:
            self._deadline = now
            return
        self._console.say("pressing the power button")
        self._stopping, self._deadline, self._press_at = True, now + self._machine.grace_s, now
        self._save(state=launch.STOPPING)

    def _command(self, running: _Running, command: str) -> bool:
        try:
            running.monitor.execute(command)
        except errors.TalosError as error:
            self._console.say(str(error))
            return False
        return True

    def _pause(self, seconds: float) -> bool:
        """Wait before the next start; True when asked to stop meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._stopping:
            if select.select([self._wake], [], [], left)[0]:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 512)
            while self._signals:
                self._stopping = self._signals.pop(0) != signal.SIGHUP or self._stopping
        return self._stopping


def _end_with_keeper() -> None:
    ns.end_with_parent(signal.SIGKILL)


def _close(running: _Running) -> None:
    running.monitor.close()
    if running.process.stdout is not None:
        running.process.stdout.close()


def _last_line(file: Path) -> str:
    try:
        lines = file.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _tell(fd: int | None, text: str) -> None:
    """One line to whoever started us; nobody may be there any more."""
    if fd is None:
        return
    with contextlib.suppress(OSError):
        os.write(fd, text.encode(errors="replace")[:4000])
    os.close(fd)


def main(arguments: Sequence[str]) -> int:
    """`machine FOLDER [REPORT_FD]`."""
    folder = Path(arguments[0])
    report = int(arguments[1]) if len(arguments) > 1 else None
    if report is not None:
        os.set_inheritable(report, False)
    try:
        machine = hardware.Machine.load(folder)
        if machine.link is not None:
            fd = os.open(machine.link.namespace, os.O_RDONLY | os.O_CLOEXEC)
            ns.enter(fd, ns.Kind.NET)
            os.close(fd)
        return Keeper(machine, folder).run(report)
    except (OSError, errors.TalosError, ValueError, TypeError, KeyError) as error:
        _tell(report, f"machine: {error}")
        sys.stderr.write(f"machine: {error}\n")
        return 1
