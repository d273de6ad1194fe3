"""A machine without a configuration: from power-on through UEFI to the maintenance API."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.vm.guest import BOOT_S, CHECKOUT, Guest

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.timeout(2000)]


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    with Guest(tmp_path_factory.mktemp("machine")) as made:
        yield made


def talosctl(guest: Guest, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "talos.talosctl.main", *words, "--insecure", "--nodes", f"127.0.0.1:{guest.port}"]
    env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(guest.folder)}
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


def answer(guest: Guest, *words: str) -> str:
    """What the command prints once the API answers it."""
    deadline = time.monotonic() + BOOT_S
    guest.wait_for(r"service\[apid\]\(Running\): health check succeeded")
    while True:
        ended = talosctl(guest, *words)
        if ended.returncode == 0:
            return ended.stdout
        assert time.monotonic() < deadline, ended.stderr + guest.console()[-3000:]
        time.sleep(2)


@pytest.mark.feature("E153", "E155", "L003", "L014")
def test_it_gets_an_address_and_says_where_it_waits(guest: Guest) -> None:
    guest.wait_for(r"10\.0\.2\.15/24 from DHCP server 10\.0\.2\.2")
    guest.wait_for(r"waits for one at .*10\.0\.2\.15")


@pytest.mark.feature("H001", "H002", "H003", "J008", "J022", "J029")
def test_the_maintenance_api_answers(guest: Guest) -> None:
    shown = answer(guest, "version")
    assert "Server:" in shown
    assert "metal" in shown


def test_the_console_tells_of_no_trouble_on_the_way(guest: Guest) -> None:
    answer(guest, "version")
    lines = [line for line in guest.console().splitlines() if line.startswith(("[init]", "[stage1]"))]
    assert lines == []
    assert "Traceback" not in guest.console()


def test_the_console_shows_how_the_machine_is(guest: Guest) -> None:
    answer(guest, "version")
    guest.wait_for(r"\| maintenance \| 10\.0\.2\.15[^|]* \| API 10\.0\.2\.15:50000 \| waits for a configuration")
    shown = [line for line in guest.console().splitlines() if "PyTalos v" in line and " | " in line]
    assert 1 <= len(shown) <= 12
    assert len(set(shown)) == len(shown)


def test_links_are_listed(guest: Guest) -> None:
    shown = answer(guest, "get", "links")
    assert "lo" in shown
    assert "virtio" in answer(guest, "get", "links", "-o", "yaml")
