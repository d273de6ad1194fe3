"""Applying configurations to the nodes of a running cluster. Each test leaves the cluster as it found it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from talos.machinery.config import consumers, loader
from tests.cluster import driver

Cluster = driver.LocalCluster


@dataclass
class Node:
    """A node and its configuration."""

    cluster: Cluster
    address: str

    def talosctl(self, *words: str, check: bool = True) -> driver.Output:
        return self.cluster.talosctl(*words, node=self.address, check=check)

    def _resource(self, id: str) -> dict[str, object]:
        found = yaml.safe_load(self.talosctl("get", "machineconfig", id, "-o", "yaml").out)
        assert isinstance(found, dict)
        return found

    @property
    def active(self) -> str:
        return str(self._resource("v1alpha1")["spec"])

    @property
    def persistent(self) -> str:
        return str(self._resource("persistent")["spec"])

    @property
    def disk(self) -> str:
        return self.talosctl("read", "/system/state/config.yaml").out

    @property
    def all(self) -> tuple[str, ...]:
        """Everything a change could touch: both resources with their versions, and the files."""
        versions = [str(self._resource(id)["metadata"]) for id in ("v1alpha1", "persistent")]
        copy = self.talosctl("read", "/system/state/config.last-good.yaml").out
        return (self.active, self.persistent, *versions, self.disk, copy)

    def sysctl(self, value: str) -> None:
        """Wait until a sysctl of the tests has a value."""
        driver.until(
            lambda: self.talosctl("read", "/proc/sys/net/ipv4/tcp_keepalive_time").out.strip() == value,
            10,
            f"tcp_keepalive_time {value}",
        )


NO_SYSCTLS = "apiVersion: v1alpha1\nkind: SysctlConfig\n$patch: delete\n"


def keepalive(seconds: int) -> str:
    return f"apiVersion: v1alpha1\nkind: SysctlConfig\nparams:\n  net.ipv4.tcp_keepalive_time: '{seconds}'\n"


@pytest.fixture
def worker(cluster: Cluster, tmp_path: Path) -> Iterator[Node]:
    node = Node(cluster, cluster.worker_nodes[0])
    before = node.active
    yield node
    if node.all[:2] != (before, before):
        (tmp_path / "before.yaml").write_text(before)
        node.talosctl("apply-config", "-f", str(tmp_path / "before.yaml"))
    assert node.disk == before


@pytest.mark.feature("A014", "G015", "G107", "F029", "F032", "F028")
def test_a_patch_takes_effect_at_once_and_stays(worker: Node) -> None:
    ran = worker.talosctl("patch", "mc", "-p", keepalive(701), "--mode", "no-reboot")
    assert "in force" in ran.err
    assert "701" in worker.active
    assert worker.active == worker.persistent == worker.disk
    worker.sysctl("701")


@pytest.mark.feature("G015", "S061")
def test_apply_config_with_a_patch(worker: Node, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(worker.active)
    (tmp_path / "patch.yaml").write_text(keepalive(706))
    worker.talosctl("apply-config", "-f", str(tmp_path / "base.yaml"), "--config-patch", f"@{tmp_path}/patch.yaml")
    assert "706" in worker.active
    worker.sysctl("706")


@pytest.mark.feature("F030", "F020")
def test_a_dry_run_shows_and_changes_nothing(worker: Node) -> None:
    before = worker.all
    ran = worker.talosctl("patch", "mc", "-p", keepalive(702), "--dry-run")
    assert "702" in ran.err
    assert "Dry run" in ran.err
    token = yaml.safe_load(worker.active.split("---")[0])["machine"]["token"]
    assert token not in ran.err
    assert worker.all == before


@pytest.mark.feature("F029", "F030")
def test_what_is_refused_changes_nothing(worker: Node, tmp_path: Path) -> None:
    before = worker.all
    documents = worker.active.split("\n---\n")
    cases = {
        "broken": "machine: [",
        "unknown key": worker.active.replace("machine:\n", "machine:\n    nonsense: 1\n", 1),
        "unknown kind": worker.active + "---\napiVersion: v1alpha1\nkind: Nothing\n",
        "no v1alpha1": "\n---\n".join(d for d in documents if "kind:" in d),
        "makes no sense": worker.active + "---\n" + keepalive(1) + "---\n" + keepalive(2),
    }
    for what, text in cases.items():
        file = tmp_path / "bad.yaml"
        file.write_text(text)
        ran = worker.talosctl("apply-config", "-f", str(file), check=False)
        assert (ran.code, ran.out) == (2, ""), (what, ran.err)
        assert worker.address in ran.err
    assert worker.all == before


@pytest.mark.feature("F029")
def test_staged_waits_for_the_next_boot(worker: Node) -> None:
    active = worker.active
    worker.talosctl("patch", "mc", "-p", keepalive(703), "--mode", "staged")
    assert worker.active == active
    assert "703" in worker.persistent
    assert worker.persistent == worker.disk
    worker.cluster.talosctl("reboot", "--timeout", "3m", node=worker.address, timeout_s=200)
    assert "703" in worker.active
    worker.sysctl("703")


@pytest.mark.feature("F029")
def test_a_trial_is_taken_back(worker: Node) -> None:
    before = (worker.active, worker.persistent, worker.disk)
    worker.talosctl("patch", "mc", "-p", keepalive(704), "--mode", "try", "--timeout", "8s")
    assert "704" in worker.active
    assert (worker.persistent, worker.disk) == before[1:]
    worker.sysctl("704")
    driver.until(lambda: worker.active == before[0], 20, "the configuration of before the trial")
    assert (worker.persistent, worker.disk) == before[1:]


@pytest.mark.feature("G051", "F032")
def test_edit_changes_the_node(worker: Node, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    (tmp_path / "more.yaml").write_text(f"---\n{keepalive(705)}")
    editor.write_text(f"#!/bin/sh\ncat {tmp_path}/more.yaml >> $1\n")
    editor.chmod(0o755)
    worker.talosctl("patch", "mc", "-p", NO_SYSCTLS)
    words = [sys.executable, "-m", "talos.talosctl.main", "-n", worker.address, "edit", "mc", "--mode", "no-reboot"]
    worker.cluster.run("env", f"TALOS_EDITOR={editor}", *words)
    assert "705" in worker.active
    worker.sysctl("705")


@pytest.mark.feature("A014", "G038", "A061")
def test_a_reader_may_not_apply(worker: Node, tmp_path: Path) -> None:
    plane = worker.cluster.planes[0]
    target = tmp_path / "reader"
    worker.cluster.talosctl("config", "new", str(target), "--roles", "os:reader", "--crt-ttl", "10m", node=plane)
    assert target.stat().st_mode & 0o777 == 0o600
    info = worker.cluster.talosctl("config", "info", "-o", "json", "--talosconfig", str(target))
    assert json.loads(info.out)["roles"] == ["os:reader"]
    mine = ("--talosconfig", str(target), "-e", plane)
    worker.talosctl("version", *mine)
    before = worker.all
    (tmp_path / "same.yaml").write_text(worker.active)
    for extra in ((), ("--dry-run",), ("--mode", "try")):
        ran = worker.talosctl("apply-config", "-f", str(tmp_path / "same.yaml"), *mine, *extra, check=False)
        assert ran.code == 4, ran.err
    assert worker.talosctl("get", "mc", *mine, check=False).code == 4
    assert worker.all == before


@pytest.mark.feature("B025", "G005")
def test_a_configured_node_takes_nothing_from_strangers(worker: Node, tmp_path: Path) -> None:
    (tmp_path / "same.yaml").write_text(worker.active)
    ran = worker.talosctl("apply-config", "--insecure", "-f", str(tmp_path / "same.yaml"), check=False)
    assert ran.code not in (0, 2)


def test_documents_nothing_reads_are_told(worker: Node, tmp_path: Path) -> None:
    (tmp_path / "same.yaml").write_text(worker.active)
    ran = worker.talosctl("apply-config", "-f", str(tmp_path / "same.yaml"), "--dry-run")
    note = consumers.note(loader.load(worker.active.encode()))
    assert note in ran.err
    assert ("accepted, not yet used" in ran.err) is bool(note)
