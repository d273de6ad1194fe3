"""What a person sees while a cluster is made: on a terminal, in a log, and when they press Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable

import pytest

from tests import terminal
from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [pytest.mark.needs_cluster, pytest.mark.timeout(180)]


# With the signal handler that a shell would leave it.
TALOSCTL = (
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    " from talos.talosctl import main; main.entry_point()",
)


class Session:
    """talosctl at a terminal of its own."""

    def __init__(self, machine: Host, *argv: str, columns: int = 80, environment: dict[str, str] | None = None) -> None:
        self._master, slave = os.openpty()
        self.screen = terminal.Terminal(columns)
        self.resize(columns)
        variables = {**machine.environment, "TERM": "xterm-256color", **(environment or {})}
        self.process = subprocess.Popen(
            # nsenter must outlive Ctrl-C, to tell how talosctl ended.
            ["setsid", "--ctty", "sh", "-c", "trap '' INT; exec \"$@\"", "sh", *machine.argv(*TALOSCTL, *argv)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=variables,
        )
        os.close(slave)
        self.output = ""

    def resize(self, columns: int) -> None:
        """The window gets another width; the program is not told by anything but the terminal."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.screen.resize(columns)

    def type(self, text: bytes) -> None:
        os.write(self._master, text)

    def read(self, wanted: Callable[[], bool] = lambda: False, timeout_s: float = 60) -> None:
        """Show output until something is seen, or the program ends."""
        deadline = time.monotonic() + timeout_s
        while not wanted():
            assert time.monotonic() < deadline, self.output
            if not select.select([self._master], [], [], 1)[0]:
                continue
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # the last one has closed it
                chunk = b""
            if not chunk:
                return
            while chunk[-1] & 0x80 and not _complete(chunk):
                chunk += os.read(self._master, 1)
            self.output += chunk.decode()
            self.screen.feed(chunk.decode())

    def end(self) -> int:
        self.read()
        os.close(self._master)
        return self.process.wait(20)


def _complete(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


DONE = re.compile(r"✓ .+ \d+\.\d s")


def test_a_terminal_shows_steps_that_stay_and_steps_that_run(machine: Host) -> None:
    session = Session(machine, *host.create("k"), environment={"NO_COLOR": ""})
    session.read(lambda: any(line[0] in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" for line in session.screen.lines))
    assert not session.screen.cursor_shown
    session.read(lambda: len([line for line in session.screen.lines if DONE.fullmatch(line)]) >= 3)
    assert session.end() == 0
    assert session.screen.cursor_shown
    steps = session.screen.lines[
        : session.screen.lines.index(next(x for x in session.screen.lines if "cluster k:" in x))
    ]
    assert len(steps) == 8
    assert all(DONE.fullmatch(line) for line in steps), steps
    assert {"✓ network", "✓ k-controlplane-1: start"} <= {line.rpartition(" ")[0].rpartition(" ")[0] for line in steps}
    assert "\x1b[32m" in session.output
    machine.talosctl("cluster", "destroy", "--name", "k")


def test_a_window_that_becomes_narrow_keeps_no_rubbish(machine: Host) -> None:
    session = Session(machine, *host.create("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"), columns=100)
    session.read(lambda: any("kkk" in line and line[0] not in "✓✗" for line in session.screen.lines))
    session.resize(30)
    session.read(lambda: "next:" in session.screen.lines)
    assert session.end() == 0
    assert not [line for line in session.screen.lines if line[0] in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"]
    assert not re.search(r"\x1b\[[0-9;]+m", session.output), "NO_COLOR is set"
    machine.talosctl("cluster", "destroy", "--name", "k" * 40)


def test_control_c_says_how_to_go_on(machine: Host) -> None:
    before = machine.snapshot()
    session = Session(machine, *host.create("k"), columns=200)
    session.read(lambda: "network" in session.output)
    session.type(b"\x03")
    assert session.end() == 130
    assert session.screen.cursor_shown
    told = " ".join(session.screen.lines)
    assert "interrupted; the same command goes on from here, `talosctl cluster destroy --name k` removes" in told
    assert "Traceback" not in session.output
    machine.talosctl(*host.create("k"))
    machine.talosctl("cluster", "destroy", "--name", "k")
    assert machine.snapshot() == before


def test_a_log_gets_plain_lines_and_standard_output_only_data(machine: Host) -> None:
    made = machine.talosctl(*host.create("k"))
    assert "\x1b" not in made.stderr
    assert made.stdout == ""
    assert re.findall(r"^ok network \(\d+\.\d s\)$", made.stderr, re.MULTILINE)
    machine.talosctl("cluster", "destroy", "--name", "k")
    made = machine.talosctl(*host.create("k", "--progress", "json", "-o", "json"))
    assert json.loads(made.stdout)["name"] == "k"
    events = [json.loads(line) for line in made.stderr.splitlines() if line.startswith("{")]
    begun = [event["step"] for event in events if event["event"] == "begin"]
    done = {event["step"]: event["elapsed_s"] for event in events if event["event"] == "done"}
    assert sorted(begun) == sorted(done)
    assert len(begun) == 8
    assert all(0 <= elapsed_s < 60 for elapsed_s in done.values())
    machine.talosctl("cluster", "destroy", "--name", "k")
