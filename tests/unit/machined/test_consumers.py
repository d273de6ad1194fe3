"""The table of who reads which configuration document, against what controllers read when they run."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from tools import consumers as tool

from talos.base import errors
from talos.cosi import controller
from talos.machined import configuration, main, wiring
from talos.machined.controllers import _generated_index as controllers
from talos.machined.modes import Mode
from talos.machinery.config import consumers, container, contract, generate, loader, v1alpha1
from talos.machinery.config._generated_consumers import CONSUMERS
from talos.machinery.config.documents import _generated_index as documents
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.k8s import static_pod_server_status
from talos.machinery.types.machine import MachineType
from talos.pki import bundle, x509
from talos.testing import ctest

_SECRETS = bundle.generate()
SOURCE = generate.generate(
    generate.GenerateInput("c", "https://10.5.0.2:6443", _SECRETS), MachineType.CONTROL_PLANE
).encode()


def _readers() -> list[tuple[str, type[controller.Controller]]]:
    """Controllers of container mode that follow the machine configuration."""
    found = []
    for reference, modes in controllers.CONTROLLERS:
        cls = wiring.load(reference)
        if Mode(modes) & Mode.CONTAINER and any(one.cls is MachineConfig for one in cls.inputs):
            found.append((cls.name, cls))
    return found


@pytest.fixture
async def components() -> wiring.Components:
    os.environ["PLATFORM"] = "container"
    try:
        return main.Machined().components
    finally:
        del os.environ["PLATFORM"]


async def test_controllers_read_what_the_table_says(
    components: wiring.Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each controller runs over a configuration; what it asks for is in its rows, and every row is real."""
    read: dict[str, set[str]] = {}
    running = ""
    for verb in ("one", "all"):
        original = getattr(container.Container, verb)

        def recorded(self: container.Container, kind: Any, *, original: Any = original) -> Any:
            read.setdefault(kind.kind, set()).add(running)
            return original(self, kind)

        monkeypatch.setattr(container.Container, verb, recorded)
    names = [name for name, _ in _readers()]
    assert len(names) > 40
    for name, cls in _readers():
        if name in {"config.AcquireController", "config.PersistenceController"}:
            continue
        running = name
        async with ctest.bench(components.build(cls)) as bench:
            # The kubelet's settings are not made before this is there.
            status = static_pod_server_status.StaticPodServerStatus
            await bench.store.create(status(static_pod_server_status.STATIC_POD_SERVER_STATUS_RESOURCE_ID))
            await bench.store.create(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=SOURCE)))
            with contextlib.suppress(errors.TimedOut):
                await bench.settle(1)
    undeclared = {
        f"{kind} read by {name}" for kind, names_ in read.items() for name in names_ if name not in CONSUMERS[kind]
    }
    assert undeclared == set()
    seen = {kind for kind, names_ in read.items() if names_}
    claimed = {kind for kind, names_ in CONSUMERS.items() if names_}
    # What is not run here (machines only), or waits for more than it is given, need not have read anything.
    given = {MachineConfig, static_pod_server_status.StaticPodServerStatus}
    complete = {name for name, cls in _readers() if {one.cls for one in cls.inputs} <= given}
    assert {kind for kind in claimed - seen if set(CONSUMERS[kind]) & complete} == set()
    assert len(seen) > 40


def test_every_kind_is_in_the_table() -> None:
    assert set(CONSUMERS) == set(documents.DOCUMENTS)
    known = {wiring.load(reference).name for reference, _ in controllers.CONTROLLERS}
    named = {name for names in CONSUMERS.values() for name in names}
    assert {name for name in named if " " not in name} <= known


def test_what_nobody_reads_is_mentioned_nowhere() -> None:
    """An independent look: no code of a node names the class of a document that counts as unused."""
    sources = Path(main.__file__).parent
    used: set[str] = set()
    for path in [*sources.rglob("*.py"), *(sources.parent / "machinery/config/views").glob("*.py")]:
        if path.name == "_generated_index.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("one", "all"):
                used |= {ast.unparse(argument).rpartition(".")[2] for argument in node.args[:1]}
    unused = {kind for kind, names in CONSUMERS.items() if not names}
    assert used & unused == set()


def test_names_are_followed_through_views_and_helpers() -> None:
    domain = "talos.machined.controllers.network"
    assert "HostnameConfig" in tool.reads((f"{domain}.hostname_config", "HostnameConfigController")).kinds
    assert {"LinkConfig", "VLANConfig"} <= tool.reads((f"{domain}.link_config", "LinkConfigController")).kinds
    assert tool.reads(("talos.machinery.config.views", "static_hosts")).kinds == {"StaticHostConfig"}
    assert tool.reads(("talos.base.clock", "System")).kinds == frozenset()


def test_whoever_brings_an_unused_document_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"apiVersion: v1alpha1\nkind: EnvironmentConfig\n---\n"
    text += b"apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: a\n"
    config = loader.load(text)
    assert (consumers.unused(config), consumers.note(config)) == ([], "")
    monkeypatch.setitem(CONSUMERS, "EnvironmentConfig", ())
    assert consumers.unused(config) == ["EnvironmentConfig"]
    assert configuration.check(config, "metal") == ["accepted, not yet used by this release: EnvironmentConfig"]


def test_whoever_brings_an_unused_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "UNREAD_KEYS", ("machine.udev", "machine.install.wipe", "machine.features.rbac",
                                                   "machine.network.interfaces.mtu"))  # fmt: skip
    head = "version: v1alpha1\nmachine:\n  type: worker\n"
    quiet = head + "  features:\n    rbac: true\n  install:\n    disk: /dev/sda\n  network:\n    interfaces: []\n"
    assert consumers.note(loader.load(quiet.encode())) == ""
    loud = head + "  udev:\n    rules: [a]\n  network:\n    interfaces:\n      - interface: a\n      - mtu: 9000\n"
    loud += "  features:\n    rbac: false\n  install:\n    wipe: true\n"
    assert consumers.unused(loader.load(loud.encode())) == [
        "machine.udev",
        "machine.install.wipe",
        "machine.network.interfaces.mtu",
    ]


def test_keys_are_found_where_they_are_read() -> None:
    controller = ("talos.machined.controllers.runtime.kernel_module_config", "KernelModuleConfigController")
    found = tool.keys([("modules", controller)], v1alpha1.Config)
    assert found["machine.kernel"] == found["machine.kernel.modules"] == ["modules"]
    assert found["machine.time"] == [] and "machine.time.servers" not in found


@pytest.mark.parametrize("release", ["v1.8", "v1.12", "v1.14"])
def test_a_configuration_made_for_a_cluster_says_nothing_about_keys(release: str) -> None:
    wanted = generate.GenerateInput("a", "https://10.0.0.1:6443", bundle.generate(rsa_key=x509.new_ecdsa_key))
    wanted = dataclasses.replace(wanted, contract=contract.parse(release), install_disk="/dev/sda")
    for kind in (MachineType.CONTROL_PLANE, MachineType.WORKER):
        assert not [one for one in consumers.unused(generate.generate(wanted, kind)) if "." in one]
