"""A machine of a local cluster in maintenance: reached over the cluster's segment, shut down by its power button."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.privileged.provision import host
from tests.privileged.provision.host import Host
from tests.vm.guest import BOOT_S

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.timeout(2000)]


def wait_for(console: Path, text: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while text not in (said := console.read_text(errors="replace") if console.exists() else ""):
        assert time.monotonic() < deadline, f"{text!r} not within {timeout_s:g} s:\n{said[-3000:]}"
        time.sleep(0.5)


@pytest.mark.feature("H027")
def test_the_power_button_shuts_a_machine_down(tmp_path: Path) -> None:
    machine = Host(tmp_path / "home")
    console = machine.clusters / "m/nodes/m-controlplane-1/console.log"
    with host.booted(machine):
        before = machine.snapshot()
        flags = ("--workers", "0", "--cidr", "10.28.0.0/24", "--skip-injecting-config", "--wait=false")
        machine.talosctl("cluster", "create", "--provisioner", "qemu", "--name", "m", *flags)
        wait_for(console, "service[apid](Running): health check succeeded", BOOT_S)
        said = machine.talosctl("version", "--insecure", "-n", "10.28.0.2").stdout
        assert "metal" in said
        resolvers = machine.talosctl("get", "resolvers", "--insecure", "-n", "10.28.0.2").stdout
        assert "10.28.0.1" in resolvers
        # Its API knows no administrator yet: only the button is left.
        machine.talosctl("cluster", "stop", "--name", "m", timeout_s=400)
        text = console.read_text(errors="replace")
        assert "the power button is pressed" in text
        assert "sequence shutdown done" in text
        assert text.rstrip().endswith("[launcher] shut down")
        assert "the grace is over" not in text
        machine.talosctl("cluster", "destroy", "--name", "m")
        assert machine.snapshot() == before
