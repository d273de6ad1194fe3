"""Networks of test clusters: free ones only, one owner each, and the clusters of dead owners go."""

from __future__ import annotations

import ipaddress
import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cluster import networks

HOST = [ipaddress.IPv4Network("10.87.0.0/24"), ipaddress.IPv4Network("10.87.2.0/23")]


@pytest.mark.parametrize(("prefix", "busy"), [("10.87.0", True), ("10.87.1", False), ("10.87.3", True)])
def test_networks_of_the_host_are_busy(prefix: str, busy: bool) -> None:
    assert networks.busy(prefix, HOST) is busy


def test_others_of_the_neighbourhood_follow_the_preferred_one() -> None:
    assert networks.candidates("10.87.1")[:3] == ["10.87.1", "10.87.0", "10.87.2"]
    assert len(set(networks.candidates("10.87.1"))) == 255


@pytest.fixture
def destroyed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str]]:
    class Taken:
        networks = tuple((network, "a link") for network in HOST)

    monkeypatch.setattr(networks.hostcheck, "taken_by_host", lambda _: Taken)
    return []


def test_two_runs_get_two_networks_and_give_them_back(tmp_path: Path, destroyed: list[tuple[Path, str]]) -> None:
    def claim(name: str) -> AbstractContextManager[str]:
        return networks.claimed("10.87.0", tmp_path, name, tmp_path, lambda home, name: destroyed.append((home, name)))

    with claim("a") as one, claim("b") as other:
        assert (one, other) == ("10.87.1", "10.87.4")
    with claim("c") as again:
        assert again == "10.87.1"
    assert destroyed == []


OWNER = """
import sys, time
from contextlib import AbstractContextManager
from pathlib import Path
from tests.cluster import networks
folder = Path(sys.argv[1])
with networks.claimed("10.87.0", folder / "home", "lost", folder, lambda home, name: None) as prefix:
    print(prefix, flush=True)
    time.sleep(60)
"""


def test_the_cluster_of_a_killed_run_is_destroyed_once(tmp_path: Path, destroyed: list[tuple[Path, str]]) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    top = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{top}:{top / 'src'}"}
    argv = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        prefix = owner.stdout.readline().strip()
        assert prefix.startswith("10.87.")

        def destroy(home: Path, name: str) -> None:
            destroyed.append((home, name))

        assert networks.sweep(folder, destroy) == []  # it lives
        owner.send_signal(signal.SIGKILL)
    assert networks.sweep(folder, destroy) == ["lost"]
    assert destroyed == [(folder / "home", "lost")]
    assert networks.sweep(folder, destroy) == []
