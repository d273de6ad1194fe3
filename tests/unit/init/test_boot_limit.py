"""A boot that nobody calls good in time is begun again; one that is good, or goes down anyhow, is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.init import main as init


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> init.Init:
    monkeypatch.setattr("signal.sigtimedwait", lambda *_: None)
    made = init.Init(["/bin/true"], clock, limit_s=60, good=str(tmp_path / "good"))
    monkeypatch.setattr(made, "start", lambda: None)
    monkeypatch.setattr(made, "reap", lambda: None)
    return made


def test_the_limit_comes_from_the_command_line() -> None:
    assert init.boot_limit_s("quiet console=ttyS0") == init.BOOT_LIMIT_S
    assert init.boot_limit_s("quiet pytalos.boot_timeout=90 x") == 90
    assert init.boot_limit_s("pytalos.boot_timeout=soon") == init.BOOT_LIMIT_S
    assert init.boot_limit_s("pytalos.boot_timeout=") == init.BOOT_LIMIT_S


def test_a_boot_that_is_not_good_in_time_is_begun_again(made: init.Init, clock: Clock) -> None:
    clock.now += 59
    made.turn()
    assert made.result is None
    clock.now += 2
    made.turn()
    assert made.result == init.MACHINED_REBOOT


def test_a_good_boot_goes_on(made: init.Init, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "good").touch()
    clock.now += 1000
    made.turn()
    assert made.result is None


def test_without_a_limit_nothing_ends(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal.sigtimedwait", lambda *_: None)
    made = init.Init(["/bin/true"], clock)
    monkeypatch.setattr(made, "start", lambda: None)
    clock.now += 1e6
    made.turn()
    assert made.result is None


def test_the_wait_ends_in_time_to_look(made: init.Init, clock: Clock) -> None:
    made.pid = 1
    clock.now += 30
    assert made.wait_s() == 30
