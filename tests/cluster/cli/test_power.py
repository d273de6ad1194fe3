"""reset and shutdown take nodes away for good, so they get a cluster of their own."""

from __future__ import annotations

import os

import pytest

from tests.cluster import driver

PREFIX = "10.91.0"


@pytest.mark.feature("A051", "A056", "G008")
@pytest.mark.slow
@pytest.mark.timeout(driver.CREATE_TIMEOUT_S + 300)
def test_nodes_leave(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("power-home")
    with driver.created(home, f"w{os.getpid()}", PREFIX) as cluster:
        (plane,), (worker,) = cluster.planes, cluster.worker_nodes

        ran = cluster.talosctl("reset", "--timeout", "2m", node=worker, timeout_s=150)
        assert ran.err.splitlines()[0].startswith(f"{worker}: reset START")
        assert ran.err.splitlines()[-1] == f"{worker}: gone"
        assert cluster.services(plane)["etcd"] == ("Running", "OK")

        ran = cluster.talosctl("shutdown", "--timeout", "2m", node=plane, timeout_s=150)
        assert ran.err.splitlines()[-1] == f"{plane}: gone"
        shown = cluster.talosctl("cluster", "show", "--name", cluster.name).out
        assert sum("down: shut down" in line for line in shown.splitlines()) == 2
