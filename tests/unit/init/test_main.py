import os
import signal
from pathlib import Path

import pytest

from talos.init import main as init


def test_it_is_small_and_needs_the_standard_library_only() -> None:
    import ast
    import sys

    source = Path(init.__file__).read_text()
    assert len(source.splitlines()) < 400
    names = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else node.names[0].name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    # The import contract holds all of talos.init to the standard library.
    assert names <= set(sys.stdlib_module_names) | {"talos"}
    assert "from talos" not in source.replace("from talos.init import", "")
    assert not names & {"asyncio", "subprocess", "logging", "pathlib"}


def test_cgroup_mounts_are_found() -> None:
    text = (
        "30 20 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
        "31 30 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
        "32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "33 30 0:29 / /elsewhere rw - cgroup2 cgroup2 rw\n"
    )
    assert init.cgroup_directories(text) == ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"]


def test_mount_points() -> None:
    assert init.is_mount_point("/proc")
    assert init.is_mount_point("/")
    assert not init.is_mount_point("/proc/sys/kernel")
    assert not init.is_mount_point("/no/such/place")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> init.Init:
    made = init.Init(["/bin/true"], Clock())
    spawned: list[int] = []
    monkeypatch.setattr(os, "posix_spawn", lambda *a, **k: spawned.append(1) or 4242)
    return made


def test_pauses_between_restarts_grow_and_are_bounded(made: init.Init) -> None:
    pauses = []
    for _ in range(9):
        made.start()
        made.ended(1 << 8)
        pauses.append(round(made.next_start - made.clock(), 2))
    assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_long_life_resets_the_pause(made: init.Init) -> None:
    for _ in range(5):
        made.start()
        made.ended(9)
    made.start()
    made.clock.now += 31  # type: ignore[attr-defined]
    made.ended(9)
    assert made.next_start == made.clock()


@pytest.mark.parametrize("code", [80, 81])
def test_agreed_exit_codes_end_the_machine(made: init.Init, code: int) -> None:
    made.start()
    made.ended(code << 8)
    assert made.result == code


@pytest.mark.parametrize("status", [0, 1 << 8, 9, 42 << 8])
def test_other_ends_do_not(made: init.Init, status: int) -> None:
    made.start()
    made.ended(status)
    assert made.result is None


def test_dying_on_the_way_down_is_a_shutdown(made: init.Init, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    made.start()
    made.asked_to_stop(signal.SIGTERM)
    assert sent == [(4242, signal.SIGTERM)]
    made.ended(9)
    assert made.result == init.MACHINED_SHUTDOWN


def test_container_exit_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "kill_all", lambda: None)
    assert init.finish(init.MACHINED_SHUTDOWN, True) == 0
    assert init.finish(init.MACHINED_REBOOT, True) == 42
