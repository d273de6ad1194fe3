"""apply-config, patch, edit: the configuration of a node, from here."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from talos.machinery.api._generated.cosi import resource_pb2, state_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import status
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster

APPLY = f"{MACHINE}ApplyConfiguration"
MODE = machine_pb2.ApplyConfigurationRequest
HOSTNAME = "apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: one\n"


@pytest.fixture
def node(cluster: Cluster) -> Cluster:
    """A node whose active configuration is HOSTNAME."""
    found = resource_pb2.Resource()
    found.spec.yaml_spec = json.dumps(HOSTNAME) + "\n"
    cluster.serve("/cosi.resource.State/Get", state_pb2.GetResponse(resource=found))
    message = machine_pb2.ApplyConfiguration(warnings=["old key"], mode_details="It is in force.\n")
    cluster.serve(APPLY, machine_pb2.ApplyConfigurationResponse(messages=[message]))
    return cluster


def _sent(cluster: Cluster) -> list[str]:
    return [request.data.decode() for request in cluster.requests(APPLY)]


@pytest.mark.feature("G015")
@pytest.mark.parametrize(
    ("flags", "mode", "dry_run", "timeout"),
    [
        ((), MODE.AUTO, False, 60),
        (("--mode", "no-reboot"), MODE.NO_REBOOT, False, 60),
        (("-m", "staged", "--dry-run"), MODE.STAGED, True, 60),
        (("--mode=try", "--timeout", "1m30s"), MODE.TRY, False, 90),
        (("--mode=reboot",), MODE.REBOOT, False, 60),
    ],
)
def test_apply_config_sends_the_file_as_it_is(
    node: Cluster, tmp_path: Path, flags: tuple[str, ...], mode: int, dry_run: bool, timeout: int
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("# my comment\n" + HOSTNAME)
    ran = node.run("apply-config", "-f", str(file), *flags)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "10.5.0.2: warning: old key\n10.5.0.2: It is in force.\n"
    (request,) = node.requests(APPLY)
    assert request.data == file.read_bytes()
    assert (request.mode, request.dry_run, request.try_mode_timeout.seconds) == (mode, dry_run, timeout)


@pytest.mark.feature("G015")
def test_apply_config_patches_first(node: Cluster, tmp_path: Path) -> None:
    file, patch = tmp_path / "c.yaml", tmp_path / "p.yaml"
    file.write_text(HOSTNAME)
    patch.write_text(HOSTNAME.replace("one", "two"))
    assert node.run("apply", "-f", str(file), "-p", f"@{patch}").code == 0
    operations = json.dumps([{"op": "replace", "path": "/hostname", "value": "three"}])
    assert node.run("apply", str(file), "--config-patch", operations).code == 0
    assert [text.splitlines()[-1] for text in _sent(node)] == ["hostname: two", "hostname: three"]


@pytest.mark.parametrize(
    "flags",
    [(), ("-f", "/nonexistent"), ("-f", "FILE", "FILE"), ("-f", "FILE", "--mode", "later"), ("-f", "FILE", "-p", "{")],
)
def test_apply_config_refuses_before_it_asks(node: Cluster, tmp_path: Path, flags: tuple[str, ...]) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(HOSTNAME)
    ran = node.run("apply-config", *(str(file) if word == "FILE" else word for word in flags))
    assert ran.code == (3 if "/nonexistent" in flags else 2)
    assert (ran.out, node.asked) == ("", [])


def test_a_refused_configuration(node: Cluster, tmp_path: Path) -> None:
    def answer(request: Any, node: str) -> Any:
        raise status.RpcError(status.Code.INVALID_ARGUMENT, "configuration:3:1: no")

    node.serve(APPLY, answer)
    file = tmp_path / "c.yaml"
    file.write_text(HOSTNAME)
    ran = node.run("apply-config", "-f", str(file), nodes="10.5.0.2,10.5.0.3")
    assert ran.code == 2
    assert sorted(line.partition(":")[0] for line in ran.err.splitlines()) == ["10.5.0.2", "10.5.0.3"]


def test_patch_changes_the_active_configuration_of_each_node(node: Cluster) -> None:
    ran = node.run("patch", "mc", "-p", HOSTNAME.replace("one", "two"), "--mode=no-reboot", nodes="10.5.0.2,10.5.0.3")
    assert (ran.code, ran.out) == (0, "")
    assert {line.splitlines()[-1] for line in _sent(node)} == {"hostname: two"}
    assert {asked for path, asked, _ in node.asked if path == APPLY} == {"10.5.0.2", "10.5.0.3"}
    assert "patched MachineConfigs.config.talos.dev/v1alpha1 at the node 10.5.0.3" in ran.err


def test_a_patch_that_changes_nothing_is_not_sent(node: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(HOSTNAME)
    assert node.run("patch", "machineconfig", "v1alpha1", "--patch-file", str(file)).code == 0
    assert _sent(node) == []


@pytest.mark.parametrize(
    "words", [("mc",), ("members", "-p", "a"), ("mc", "persistent", "-p", "a"), ("mc", "-p", "@/nonexistent")]
)
def test_patches_that_make_no_sense(node: Cluster, words: tuple[str, ...]) -> None:
    assert node.run("patch", *words).code in (2, 3)
    assert node.asked == []


def _editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> Path:
    """An editor that keeps what it is shown, then runs a script with the file's name."""
    program = tmp_path / "editor"
    shown = tmp_path / "shown"
    program.write_text(f'#!/bin/sh\ncat "$1" >> {shown}\necho "$1" > {tmp_path}/name\n{script}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("TALOS_EDITOR", str(program))
    return shown


def test_edit(node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _editor(monkeypatch, tmp_path, 'sed -i s/one/two/ "$1"')
    assert node.run("edit", "mc", "--dry-run").code == 0
    assert _sent(node) == [HOSTNAME.replace("one", "two")]
    assert "10.5.0.2" in shown.read_text().splitlines()[0]
    assert not Path((tmp_path / "name").read_text().strip()).exists()


@pytest.mark.parametrize("script", ["true", ': > "$1"'])
def test_edit_of_nothing_applies_nothing(
    node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    _editor(monkeypatch, tmp_path, script)
    assert node.run("edit", "mc").code == 0
    assert _sent(node) == []


def test_edit_opens_a_refused_text_again_with_the_reason(
    node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Any, name: str) -> Any:
        if b"two" in request.data:
            raise status.RpcError(status.Code.INVALID_ARGUMENT, "two is taken\nby another")
        return machine_pb2.ApplyConfigurationResponse()

    node.serve(APPLY, answer)
    shown = _editor(monkeypatch, tmp_path, 'sed -i -e "/^#/!s/two/three/" -e s/one/two/ "$1"')
    assert node.run("edit", "mc").code == 0
    assert [text.splitlines()[-1] for text in _sent(node)] == ["hostname: two", "hostname: three"]
    assert "#| two is taken\n#| by another\n" in shown.read_text()


def test_edit_gives_up_when_a_refused_text_is_not_changed(
    node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Any, name: str) -> Any:
        raise status.RpcError(status.Code.INVALID_ARGUMENT, "no")

    node.serve(APPLY, answer)
    _editor(monkeypatch, tmp_path, 'sed -i s/one/two/ "$1"')
    ran = node.run("edit", "mc")
    assert ran.code == 2
    kept = Path((tmp_path / "name").read_text().strip())
    assert str(kept) in ran.err
    assert "hostname: two" in kept.read_text()
    kept.unlink()


def test_edit_without_an_editor(node: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALOS_EDITOR", "/nonexistent/editor")
    ran = node.run("edit", "mc")
    assert ran.code == 3
    assert "/nonexistent/editor" in ran.err
