"""A node without a configuration, in a box: maintenance mode, then a configuration that comes by the API, is tried out,
refused and damaged; and a machine that downloads its own. talosctl runs in the node's network namespace.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from talos.machinery.client import talosconfig
from talos.machinery.config import generate, patcher
from talos.machinery.types.machine import MachineType
from talos.pki import bundle
from tests import capabilities
from tests.privileged.machined import test_node

ADDRESS, PIN = test_node.ADDRESS, re.compile(r"--cert-fingerprint '([^']+)'")
pytestmark = test_node.pytestmark


class Box(test_node.Node):
    """A node whose configuration is not in its environment."""

    def __init__(self, work: Path, rootfs: Path) -> None:
        self.work, self.rootfs = work, rootfs
        self.box = None
        self.secrets = bundle.generate()
        wanted = generate.GenerateInput("box", f"https://{ADDRESS}:6443", self.secrets, cluster_discovery=False)
        self.config = generate.generate(wanted, MachineType.CONTROL_PLANE).encode()
        for name in ("scratch", "var", "state"):
            (work / name).mkdir()
        self.file = work / "c.yaml"
        self.file.write_bytes(self.config)
        self.talosconfig = work / "talosconfig"

    def boots(self, *, cmdline: str | None = None) -> None:
        """Start it: a container, or with a kernel command line a machine (whose kernel settings are out of reach)."""
        work = self.work
        binds = [f"{work / 'var'}:/var", f"{work / 'state'}:/system/state"]
        options = ["--env", "PLATFORM=container"]
        if cmdline is not None:
            (work / "cmdline").write_text(cmdline + "\n")
            binds.append(f"{work / 'cmdline'}:/proc/cmdline")
            options = ["--keep-kernel"]
        options += ["--scratch", str(work / "scratch"), "--lower", str(self.rootfs), "--read-only"]
        options += ["--hostname", "box-1", "--address", f"{ADDRESS}/24", "--gateway", "10.5.0.1"]
        options += [word for bind in binds for word in ("--bind", bind)]
        argv = [sys.executable, str(test_node.ROOT / "tests/privileged/box.py"), *options, "--", "/usr/bin/init"]
        with (work / "console.log").open("ab") as log:
            self.box = subprocess.Popen(argv, stdout=log, stderr=log)

    @property
    def console(self) -> str:
        return (self.work / "console.log").read_text()

    def wait_console(self, pattern: str, timeout_s: float = 40) -> re.Match[str]:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.console):
                return found
            time.sleep(0.05)
        raise TimeoutError(f"{pattern}\n{self.console[-3000:]}")

    def inside(self, *argv: str) -> list[str]:
        """The command line that runs a program in the node's network namespace."""
        return ["nsenter", f"--net=/proc/{self.first}/ns/net", *argv]

    def talosctl(self, *words: str, insecure: bool = False) -> subprocess.CompletedProcess[str]:
        argv = self.inside(sys.executable, "-m", "talos.talosctl.main", *words, "-n", ADDRESS)
        argv += ["--insecure"] if insecure else ["--talosconfig", str(self.talosconfig)]
        environment = os.environ | {"NO_COLOR": "1"}
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=environment)

    def until(self, *words: str, insecure: bool = False, timeout_s: float = 40) -> str:
        """Run a command until it succeeds; return its output."""
        deadline = time.monotonic() + timeout_s
        while (ran := self.talosctl(*words, insecure=insecure)).returncode != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{words}: {ran.stderr}\n{self.console[-3000:]}")
            time.sleep(0.2)
        return ran.stdout

    def credentials(self) -> None:
        """Write the talosconfig that goes with the configuration."""
        admin = bundle.admin_certificate(self.secrets)
        context = talosconfig.Context((ADDRESS,), (ADDRESS,), self.secrets.os.crt, admin.crt, admin.key)
        talosconfig.save(talosconfig.Talosconfig("box", {"box": context}), self.talosconfig)

    @property
    def disk(self) -> dict[str, str]:
        """What is in STATE, by digest."""
        return {
            p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (self.work / "state").iterdir() if p.is_file()
        }

    @property
    def configured(self) -> bool:
        """Whether there is any trace of a configuration on disk."""
        return any("config" in name for name in self.disk)

    def end_and_forget(self) -> None:
        self.end()
        self.box = None


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("image") / "rootfs"
    image = capabilities.artifacts_dir().resolve() / "rootfs.sqsh"
    subprocess.run(["unsquashfs", "-d", str(target), str(image)], check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def box(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    made = Box(tmp_path_factory.mktemp("box"), rootfs)
    made.boots()
    made.wait_console(PIN.pattern)
    made.until("version", insecure=True)
    yield made
    made.end()


@pytest.fixture
def machine(rootfs: Path, tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path, rootfs)
    yield made
    made.end()


# --- maintenance mode


@pytest.mark.feature("H036", "H010", "E042", "E183", "E211", "E212", "E232", "E233", "B025")
def test_a_node_without_a_configuration_waits_in_maintenance(box: Box) -> None:
    out = json.loads(box.until("get", "machinestatus", "-o", "json", insecure=True))
    assert out["spec"]["stage"] == "maintenance"
    assert not box.configured


@pytest.mark.feature("B027", "G005")
def test_it_is_known_by_its_fingerprint(box: Box) -> None:
    pin = box.wait_console(PIN.pattern)[1]
    assert box.talosctl("version", "--cert-fingerprint", pin, insecure=True).returncode == 0
    assert box.talosctl("version", "--cert-fingerprint", f"AAAA,{pin}", insecure=True).returncode == 0
    ran = box.talosctl("apply-config", "-f", str(box.file), "--cert-fingerprint", "AAAA", insecure=True)
    assert ran.returncode == 4
    assert pin in ran.stderr
    assert not box.configured


@pytest.mark.feature("B025", "H036")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("get", "machineconfig"), "not allowed"),
        (("get", "maintenancerootsecrets"), "not allowed"),
        (("read", "/system/state/config.yaml"), "not authorized"),
        (("service", "apid", "stop"), "not authorized"),
    ],
)
def test_what_is_not_for_strangers(box: Box, words: tuple[str, ...], reason: str) -> None:
    box.credentials()
    # Anybody's certificate is as good as none.
    for insecure in (True, False):
        ran = box.talosctl(*words, insecure=insecure)
        assert ran.returncode != 0, ran.stdout
        if insecure and "unrecognized" not in ran.stderr:
            assert reason in ran.stderr


@pytest.mark.feature("F030", "H036")
def test_what_is_refused_or_a_dry_run_changes_nothing(box: Box, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(box.config + b"nonsense: true\n")
    ran = box.talosctl("apply-config", "-f", str(tmp_path / "bad.yaml"), insecure=True)
    assert ran.returncode == 2
    assert "nonsense" in ran.stderr
    ran = box.talosctl("apply-config", "-f", str(box.file), "--mode", "try", insecure=True)
    assert ran.returncode == 2
    ran = box.talosctl("apply-config", "-f", str(box.file), "--dry-run", insecure=True)
    assert ran.returncode == 0
    assert "type: controlplane" in ran.stderr
    assert box.secrets.trustd_token not in ran.stderr
    assert not box.configured
    assert json.loads(box.until("get", "machinestatus", "-o", "json", insecure=True))["spec"]["stage"] == "maintenance"


@pytest.mark.feature("A014", "G015", "H036", "F028", "B027")
def test_a_configuration_over_the_insecure_port(box: Box) -> None:
    pin = box.wait_console(PIN.pattern)[1]
    ran = box.talosctl("apply-config", "-f", str(box.file), "--cert-fingerprint", pin, insecure=True)
    assert ran.returncode == 0, ran.stderr
    state = box.work / "state/config.yaml"
    assert (state.read_bytes(), state.stat().st_mode & 0o777) == (box.config, 0o600)
    box.credentials()
    assert json.loads(box.until("get", "machinetype", "-o", "json"))["spec"] == "controlplane"
    # The door is shut behind the configuration.
    assert box.talosctl("version", insecure=True).returncode != 0
    box.until("service", "cri")


# --- a configured node


def _patched(box: Box, *patches: str) -> bytes:
    from talos.machinery.config import loader

    return patcher.patch(loader.load(box.config), list(patches)).encode()


def _active(box: Box) -> str:
    return str(yaml.safe_load(box.until("get", "machineconfig", "v1alpha1", "-o", "yaml"))["spec"])


@pytest.mark.feature("F029", "F030")
def test_a_refused_configuration_changes_nothing(box: Box, tmp_path: Path) -> None:
    disk, active = box.disk, _active(box)
    cases = {
        "bad.yaml": (box.config.replace(b"type: controlplane", b"type: [", 1), 2),
        "part.yaml": (b"apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: a\n", 2),
        "unknown.yaml": (box.config + b"---\napiVersion: v1alpha1\nkind: Nothing\n", 2),
    }
    for name, (text, code) in cases.items():
        (tmp_path / name).write_bytes(text)
        ran = box.talosctl("apply-config", "-f", str(tmp_path / name))
        assert ran.returncode == code, (name, ran.stderr)
    (tmp_path / "good.yaml").write_bytes(
        _patched(box, "machine:\n  sysctls:\n    net.ipv4.tcp_keepalive_time: '601'\n")
    )
    ran = box.talosctl("apply-config", "-f", str(tmp_path / "good.yaml"), "--dry-run")
    assert ran.returncode == 0
    assert "601" in ran.stderr
    assert (box.disk, _active(box)) == (disk, active)


@pytest.mark.feature("F029", "G107")
def test_staged_waits_and_no_reboot_does_not(box: Box) -> None:
    patch = "machine:\n  sysctls:\n    net.ipv4.tcp_keepalive_time: '%d'\n"
    disk = box.disk
    ran = box.talosctl("patch", "mc", "-p", patch % 611, "--mode", "staged")
    assert ran.returncode == 0, ran.stderr
    assert "611" not in _active(box)
    assert box.disk != disk
    ran = box.talosctl("patch", "mc", "-p", patch % 612, "--mode", "no-reboot")
    assert ran.returncode == 0, ran.stderr
    assert "612" in _active(box)
    assert b"612" in (box.work / "state/config.yaml").read_bytes()
    read = box.inside("cat", "/proc/sys/net/ipv4/tcp_keepalive_time")
    deadline = time.monotonic() + 10
    while subprocess.run(read, capture_output=True, text=True, check=True).stdout.strip() != "612":
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.feature("F029")
def test_what_is_staged_waits_though_machined_dies(box: Box) -> None:
    patch = "machine:\n  sysctls:\n    net.ipv4.tcp_keepalive_time: '%d'\n"
    active = _active(box)
    assert box.talosctl("patch", "mc", "-p", patch % 615, "--mode", "staged").returncode == 0
    gone = box.machined()
    os.kill(gone, signal.SIGKILL)
    while box.machined() in (0, gone):
        time.sleep(0.05)
    box.wait_console("configuration of before machined was started again")
    assert _active(box) == active
    assert "615" in box.until("get", "machineconfig", "persistent", "-o", "yaml")
    assert box.talosctl("patch", "mc", "-p", patch % 612, "--mode", "staged").returncode == 0


@pytest.mark.feature("F029")
def test_a_trial_that_cuts_the_node_off_is_taken_back(box: Box, tmp_path: Path) -> None:
    disk, active = box.disk, _active(box)
    other = bundle.generate()
    wanted = generate.GenerateInput("box", f"https://{ADDRESS}:6443", other, cluster_discovery=False)
    file = tmp_path / "other.yaml"
    file.write_bytes(generate.generate(wanted, MachineType.CONTROL_PLANE).encode())
    began = time.monotonic()
    ran = box.talosctl("apply-config", "-f", str(file), "--mode", "try", "--timeout", "8s")
    assert ran.returncode == 0, ran.stderr
    refused = 0
    while time.monotonic() - began < 7:
        refused += box.talosctl("version").returncode != 0
        if refused:
            break
        time.sleep(0.1)
    assert refused, "the tried configuration has another authority, nobody was refused"
    assert _active(box) == active
    assert time.monotonic() - began > 7
    assert box.disk == disk


@pytest.mark.feature("F029")
def test_a_trial_is_kept_by_applying_it(box: Box) -> None:
    patch = "machine:\n  sysctls:\n    net.ipv4.tcp_keepalive_time: '613'\n"
    assert box.talosctl("patch", "mc", "-p", patch, "--mode", "try", "--timeout", "2s").returncode == 0
    assert b"613" not in (box.work / "state/config.yaml").read_bytes()
    (box.work / "kept.yaml").write_bytes(_patched(box, patch))
    assert box.talosctl("apply-config", "-f", str(box.work / "kept.yaml")).returncode == 0
    time.sleep(3)
    assert "613" in _active(box)
    assert b"613" in (box.work / "state/config.yaml").read_bytes()


@pytest.mark.feature("F032", "G051")
def test_edit_opens_again_with_the_reason(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "editor"
    script.write_text(
        "#!/bin/sh\n"
        f"echo x >> {tmp_path}/runs; cp $1 {tmp_path}/seen\n"
        f'if [ $(wc -l < {tmp_path}/runs) = 1 ]; then sed -i "s/.*613.*/&\\n    bad key/" $1\n'
        "else sed -i '/bad key/d; s/613/614/' $1; fi\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("TALOS_EDITOR", str(script))
    ran = box.talosctl("edit", "machineconfig", "--mode", "no-reboot")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "runs").read_text().count("x") == 2
    assert "614" in _active(box)


@pytest.mark.feature("F028", "H010")
def test_a_damaged_file_is_mended_at_the_next_boot(box: Box) -> None:
    state = box.work / "state/config.yaml"
    good = state.read_bytes()
    box.end_and_forget()
    state.write_bytes(good[: len(good) // 2])
    (box.work / "console.log").write_bytes(b"")
    box.boots()
    box.wait_console("last good copy is used")
    box.wait_console("complete machine configuration from STATE")
    assert "614" in _active(box)
    deadline = time.monotonic() + 10
    while state.read_bytes() != good:
        assert time.monotonic() < deadline
        time.sleep(0.05)


# --- a machine that fetches its configuration

_HTTP = """
import http.server, sys, pathlib
work, failures = pathlib.Path(sys.argv[1]), [503, 404]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with (work / "requests").open("a") as log:
            log.write(self.path + chr(10))
        self.send_response(failures.pop() if failures else 200)
        self.end_headers()
        self.wfile.write((work / "served.yaml").read_bytes())
http.server.HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def _uuid() -> str:
    return Path("/sys/class/dmi/id/product_uuid").read_text().strip().lower()


@pytest.mark.feature("O018", "O004", "F026", "F027", "O001", "B025")
def test_a_machine_downloads_its_configuration(machine: Box) -> None:
    from tests.unit.machined.controllers.config.test_config import env, packed

    wanted = generate.GenerateInput(
        "box", f"https://{ADDRESS}:6443", machine.secrets, cluster_discovery=False, install_disk="/dev/sda"
    )
    (machine.work / "served.yaml").write_bytes(
        generate.generate(wanted, MachineType.CONTROL_PLANE).encode() + b"---\n" + env(A="platform", B="platform")
    )
    early = packed(env(A="early", C="early"))
    machine.boots(
        cmdline=f"talos.platform=metal slab_nomerge pti=on talos.config.early={early}"
        f" talos.config=http://{ADDRESS}:8080/c?m=${{mac}}&hostname=&x=y"
    )
    machine.wait_console("part of a machine configuration from cmdline talos.config.early")
    server = subprocess.Popen(machine.inside(sys.executable, "-c", _HTTP, str(machine.work)), stderr=subprocess.DEVNULL)
    try:
        machine.wait_console("complete machine configuration from platform metal", 60)
    finally:
        server.kill()
        server.wait(10)
    link = subprocess.run(machine.inside("ip", "-j", "link"), capture_output=True, text=True, check=True).stdout
    macs = {one["ifname"]: one["address"] for one in json.loads(link)}
    asked = (machine.work / "requests").read_text().splitlines()
    assert len(asked) == 3
    assert set(asked) == {f"/c?m={macs['eth0']}&hostname=talos-10-5-0-2&x=y"}
    machine.credentials()
    active = machine.until("get", "machineconfig", "v1alpha1", "-o", "yaml")
    for line in ("A: platform", "B: platform", "C: early"):
        assert line in active
    assert "metal (metal)" in machine.until("version")
