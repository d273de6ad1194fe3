"""Acquiring, persisting and trying out the machine configuration: the controllers over a real directory."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard

from talos import platforms
from talos.base import errors
from talos.cosi import inmem, runtime, state
from talos.machined import config_file, configuration, events
from talos.machined.controllers.config import _sources
from talos.machined.controllers.config.acquire import AcquireController
from talos.machined.controllers.config.machine_type import MachineTypeController
from talos.machined.controllers.config.persistence import PersistenceController
from talos.machinery.config import generate, loader
from talos.machinery.config.documents.network.hostname import HostnameConfig
from talos.machinery.config.documents.runtime.environment import EnvironmentConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, PERSISTENT_ID, MachineConfig
from talos.machinery.resources.config.machine_type import MACHINE_TYPE_ID, MachineType
from talos.machinery.resources.runtime.maintenance_service_request import MaintenanceServiceRequest
from talos.machinery.resources.v1alpha1.acquire_config_spec import AcquireConfigSpec
from talos.machinery.resources.v1alpha1.acquire_config_status import AcquireConfigStatus
from talos.machinery.types.machine import MachineType as Type
from talos.pki import bundle
from talos.platforms import container
from tests.unit.machined.controllers.running import running

WORKER = b"version: v1alpha1\nmachine:\n  type: worker\n"
_INPUT = generate.GenerateInput("c", "https://10.5.0.2:6443", bundle.generate(), install_disk="/dev/sda")
VALID = generate.generate(_INPUT, Type.WORKER).encode()
CONTROL_PLANE = b"version: v1alpha1\nmachine:\n  type: controlplane\n"


def env(**values: str) -> bytes:
    lines = "".join(f"    {name}: {value}\n" for name, value in values.items())
    return f"apiVersion: v1alpha1\nkind: EnvironmentConfig\nvariables:\n{lines}".encode()


def packed(source: bytes) -> str:
    return base64.b64encode(zstandard.ZstdCompressor().compress(source)).decode()


class Metal(platforms.Platform):
    """A machine whose platform offers what the test says."""

    name, mode = "metal", "metal"

    def __init__(self, source: bytes | Exception | None) -> None:
        self.source, self.asked = source, 0

    async def configuration(self, facts: platforms.Facts) -> bytes | None:
        self.asked += 1
        if isinstance(self.source, Exception):
            raise self.source
        return self.source

    async def metadata(self) -> platforms.Metadata:
        return platforms.Metadata("metal")


class Node:
    """Configuration, bus and controllers over a directory."""

    def __init__(self, tmp_path: Path, store: inmem.InMemory, made: runtime.Runtime) -> None:
        self.tmp_path, self.store, self.runtime = tmp_path, store, made
        self.bus = events.EventBus()
        self.file = config_file.ConfigFile(tmp_path / "state/config.yaml", tmp_path / "active.yaml")
        self.current = configuration.Configuration(store, self.file)
        self.runtime.register(PersistenceController(self.current))
        for name in ("proc", "usr/local/etc/talos"):
            (tmp_path / name).mkdir(parents=True)
        (tmp_path / "proc/cmdline").write_text("console=tty0\n")

    def acquires(self, platform: platforms.Platform) -> None:
        self.runtime.register(AcquireController(self.current, platform, self.bus, self.store, self.tmp_path))

    async def acquired(self) -> bytes | None:
        """Ask for the configuration; return it once it is complete."""
        await self.store.create(AcquireConfigSpec("acquire"))
        await state.wait_for(self.store, AcquireConfigStatus, "acquire", lambda f: f is not None, timeout_s=5)
        return await self.current.active()

    async def maintenance(self) -> bytes | None:
        """Ask for the configuration; return what is in force once a person is asked for the rest."""
        await self.store.create(AcquireConfigSpec("acquire"))
        await state.wait_for(self.store, MaintenanceServiceRequest, "maintenance", lambda f: f is not None, timeout_s=5)
        assert self.current.wanted
        return await self.current.active()

    @property
    def told(self) -> list[str]:
        return [f"{type(e.payload).__name__} {e.payload.error}" for e in self.bus._ring]  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def _node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running() as (store, made):
        yield Node(tmp_path, store, made)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with _node(tmp_path) as made:
        yield made


def userdata(source: bytes) -> container.Container:
    return container.Container({"USERDATA": base64.b64encode(source).decode()} if source else {})


# --- where it comes from


@pytest.mark.feature("R001", "H010", "F028", "O012", "E042", "E044")
async def test_userdata_is_put_in_force_and_persisted(node: Node) -> None:
    node.acquires(userdata(VALID))
    await node.runtime.wait_idle()
    assert await node.current.active() is None
    assert await node.acquired() == VALID
    assert node.file.path.read_bytes() == VALID
    assert node.file.path.stat().st_mode & 0o777 == 0o600
    assert (await node.store.get(MachineConfig, PERSISTENT_ID)).spec.source == VALID
    assert not await node.store.list(MaintenanceServiceRequest)
    assert not node.current.wanted


@pytest.mark.feature("F026")
async def test_what_is_on_disk_wins_and_nobody_else_is_asked(node: Node) -> None:
    node.file.write(CONTROL_PLANE)
    (node.tmp_path / _sources.EMBEDDED).write_bytes(env(A="embedded"))
    metal = Metal(VALID)
    node.acquires(metal)
    assert await node.acquired() == CONTROL_PLANE
    assert metal.asked == 0


@pytest.mark.feature("F026", "F027")
async def test_parts_are_merged_in_the_order_of_their_sources(node: Node) -> None:
    (node.tmp_path / _sources.EMBEDDED).write_bytes(env(A="embedded", B="embedded", C="embedded", D="embedded"))
    inline = packed(env(D="inline") + b"---\n" + VALID)
    half = len(inline) // 2
    (node.tmp_path / "proc/cmdline").write_text(
        f"talos.config.early={packed(env(B='early', C='early', D='early'))} console=tty0"
        f" talos.config.inline={inline[:half]} talos.config.inline={inline[half:]}\n"
    )
    node.acquires(Metal(env(C="platform", D="platform")))
    merged = loader.load(await node.acquired() or b"")
    found = merged.one(EnvironmentConfig)
    assert found is not None
    assert dict(found.variables) == {"A": "embedded", "B": "early", "C": "platform", "D": "inline"}
    assert merged.v1alpha1 == loader.load(VALID).v1alpha1
    assert loader.load(node.file.path.read_bytes()) == merged


@pytest.mark.feature("F026")
async def test_a_part_is_in_force_while_the_rest_is_awaited(node: Node) -> None:
    node.acquires(Metal(env(A="1")))
    assert await node.maintenance() == env(A="1")
    assert not node.file.path.exists()
    await node.current.accept(VALID)
    await state.wait_for(node.store, AcquireConfigStatus, "acquire", lambda f: f is not None, timeout_s=5)
    await state.wait_for(node.store, MaintenanceServiceRequest, "maintenance", lambda f: f is None, timeout_s=5)
    assert not node.current.wanted


@pytest.mark.feature("F026", "R001")
async def test_a_container_does_not_read_the_kernel_of_its_host(node: Node) -> None:
    (node.tmp_path / "proc/cmdline").write_text(f"talos.config.inline={packed(CONTROL_PLANE)}\n")
    node.acquires(userdata(VALID))
    assert await node.acquired() == VALID


@pytest.mark.feature("F027")
@pytest.mark.parametrize(
    "form",
    [
        "talos.config.inline={all}",
        "talos.config.inline={one} quiet talos.config.inline={two}",
        "talos.config.inline.1={two} talos.config.inline.0={one}",
        "talos.config.inline=10:{two} talos.config.inline=9:{one}",
        '"talos.config.inline={all}"',
    ],
)
def test_inline_configurations(form: str) -> None:
    text = packed(VALID)
    cmdline = form.format(all=text, one=text[:101], two=text[101:])
    assert _sources.from_cmdline(cmdline, _sources.INLINE) == VALID
    assert _sources.from_cmdline(cmdline, _sources.EARLY) is None


@pytest.mark.feature("F027")
@pytest.mark.parametrize(
    "value", ["!!", "aGVsbG8=", packed(VALID)[: len(packed(VALID)) // 2 // 4 * 4], packed(b"a" * (1 << 20) + b"b")]
)
def test_inline_configurations_that_are_none(value: str) -> None:
    with pytest.raises(errors.Invalid, match=r"talos\.config\.inline"):
        _sources.from_cmdline(f"talos.config.inline={value}", _sources.INLINE)


@pytest.mark.feature("F031", "Q008")
async def test_a_bad_source_is_told_and_passed_over(node: Node) -> None:
    node.file.path.parent.mkdir()
    node.file.path.write_bytes(b"machine: [")
    node.acquires(userdata(VALID))
    assert await node.acquired() == VALID
    (told,) = node.told
    assert told.startswith("ConfigLoadErrorEvent STATE: ")
    # What was broken is replaced by what is in force.
    assert node.file.read() == config_file.Found(VALID)


@pytest.mark.feature("F031", "Q008")
@pytest.mark.parametrize(
    ("source", "event"),
    [
        (WORKER, "ConfigValidationErrorEvent platform metal: "),
        (b"machine: [", "ConfigLoadErrorEvent platform metal: "),
        (errors.Temporary("no answer"), "ConfigLoadErrorEvent platform metal: no answer"),
        (OSError(5, "Input/output error"), "ConfigLoadErrorEvent platform metal: "),
    ],
)
async def test_a_platform_that_gives_nothing_usable(node: Node, source: bytes | Exception, event: str) -> None:
    node.acquires(Metal(source))
    assert await node.maintenance() is None
    (told,) = node.told
    assert told.startswith(event)


@pytest.mark.feature("H010", "O003", "D167")
@pytest.mark.parametrize("source", [None, b"", b" \n"])
async def test_without_any_source_a_person_is_asked(node: Node, source: bytes | None) -> None:
    node.acquires(Metal(source))
    assert await node.maintenance() is None
    assert node.told == []
    assert not await node.store.list(AcquireConfigStatus)
    await node.current.activate(WORKER)
    await state.wait_for(node.store, AcquireConfigStatus, "acquire", lambda f: f is not None, timeout_s=5)
    await state.wait_for(node.store, MaintenanceServiceRequest, "maintenance", lambda f: f is None, timeout_s=5)


@pytest.mark.feature("E043")
async def test_machine_type_follows_the_configuration() -> None:
    async with running(MachineTypeController()) as (store, made):
        await made.wait_idle()
        assert (await store.get(MachineType, MACHINE_TYPE_ID)).spec.machine_type is Type.UNKNOWN
        for source, kind in ((WORKER, Type.WORKER), (CONTROL_PLANE, Type.CONTROL_PLANE)):
            await state.put(store, MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source)))
            await made.wait_idle()
            assert (await store.get(MachineType, MACHINE_TYPE_ID)).spec.machine_type is kind


@pytest.mark.feature("F029", "H010")
@pytest.mark.parametrize("note", [VALID, None, b"machine: [", env(A="1")])
async def test_a_machined_that_is_started_again_goes_on(node: Node, note: bytes | None) -> None:
    """What was staged meanwhile still waits for a boot; a note that is none is passed over."""
    node.file.write(CONTROL_PLANE)
    if note is not None:
        node.file.note(note)
        assert node.file.note_path.stat().st_mode & 0o777 == 0o600
    node.acquires(Metal(None))
    assert await node.acquired() == (VALID if note == VALID else CONTROL_PLANE)
    assert await node.current.persistent() == node.file.path.read_bytes() == CONTROL_PLANE


async def test_what_is_noted(node: Node) -> None:
    await node.current.accept(WORKER)
    assert node.file.noted() == WORKER
    await node.current.try_out(CONTROL_PLANE, 60)
    await node.current.stage(VALID)
    # A trial, even one that nobody takes back any more, does not outlive machined.
    assert node.file.noted() == WORKER


# --- on disk


@pytest.mark.feature("F028")
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "checksum"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"worker", b"walker")), "checksum"),
        (lambda path: path.write_bytes(b""), "checksum"),
        (lambda path: path.write_bytes(b"\0" * 4096), "checksum"),
        (lambda path: path.unlink(), "gone"),
    ],
)
async def test_a_damaged_file_is_read_from_its_copy_and_mended(node: Node, damage: object, why: str) -> None:
    node.file.write(VALID)
    damage(node.file.path)  # type: ignore[operator]
    node.acquires(Metal(CONTROL_PLANE))
    assert await node.acquired() == VALID
    (told,) = node.told
    assert why in told
    assert node.file.path.read_bytes() == VALID


@pytest.mark.feature("F028")
@pytest.mark.parametrize("copy", [b"", b"# sha256 00\nmachine: {}\n", b"\xff" * 100, None])
def test_a_damaged_copy_counts_for_nothing(tmp_path: Path, copy: bytes | None) -> None:
    file = config_file.ConfigFile(tmp_path / "config.yaml")
    file.write(VALID)
    file.copy.unlink() if copy is None else file.copy.write_bytes(copy)
    assert file.read() == config_file.Found(VALID)
    assert not file.holds(VALID)
    file.write(VALID)
    assert file.holds(VALID)


@pytest.mark.feature("F028")
@pytest.mark.parametrize("step", range(6))
def test_a_write_that_fails_leaves_the_old_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Each of the calls that make a write durable fails in turn: fsync, rename, fsync, for two files."""
    file = config_file.ConfigFile(tmp_path / "config.yaml")
    file.write(WORKER)
    count = 0

    def failing(name: str, real: object) -> object:
        def call(*args: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step + 1:
                raise OSError(28, "No space left on device")
            return real(*args, **options)  # type: ignore[operator]

        return call

    monkeypatch.setattr("os.fsync", failing("fsync", __import__("os").fsync))
    monkeypatch.setattr(Path, "replace", failing("replace", Path.replace))
    with pytest.raises(OSError, match="No space"):
        file.write(CONTROL_PLANE)
    monkeypatch.undo()
    found = file.read()
    assert found is not None
    # Once the new file has its name, only the last step is left: either content is whole.
    assert found.source in ({WORKER, CONTROL_PLANE} if step in (2, 5) else {WORKER})
    assert not list(tmp_path.glob(".*"))


@pytest.mark.feature("F028")
def test_a_machine_that_dies_between_the_steps_has_one_of_the_two(tmp_path: Path) -> None:
    file = config_file.ConfigFile(tmp_path / "config.yaml")
    file.write(WORKER)
    old = file.path.read_bytes()
    file.write(CONTROL_PLANE)
    file.path.write_bytes(old)
    found = file.read()
    assert found is not None
    assert found.source == CONTROL_PLANE


# --- applying


@pytest.mark.parametrize(
    ("new", "late"),
    [
        ("version: v1alpha1\nmachine:\n  type: worker\n  sysctls:\n    a.b: '1'\n", []),
        ("version: v1alpha1\nmachine:\n  type: controlplane\n", ["machine.type"]),
        ("version: v1alpha1\nmachine:\n  type: worker\n  install:\n    disk: /dev/sda\n", ["machine.install"]),
        (WORKER.decode() + "---\napiVersion: v1alpha1\nkind: HostnameConfig\nhostname: a\n", []),
    ],
)
def test_which_settings_wait_for_a_boot(new: str, late: list[str]) -> None:
    assert configuration.waits_for_boot(loader.load(WORKER), loader.load(new.encode())) == late


async def _in_force(node: Node, source: bytes) -> None:
    await state.wait_for(
        node.store, MachineConfig, ACTIVE_ID, lambda f: f is not None and f.spec.source == source, timeout_s=5
    )


@pytest.mark.feature("F029")
async def test_a_trial_ends_with_what_was_in_force(node: Node) -> None:
    await node.current.accept(WORKER)
    await node.current.try_out(CONTROL_PLANE, 0.05)
    assert await node.current.active() == CONTROL_PLANE
    assert node.file.path.read_bytes() == WORKER
    await _in_force(node, WORKER)


@pytest.mark.feature("F029")
async def test_a_second_trial_returns_to_what_was_before_the_first(node: Node) -> None:
    await node.current.accept(WORKER)
    await node.current.try_out(CONTROL_PLANE, 60)
    await node.current.try_out(VALID, 0.05)
    await _in_force(node, WORKER)


@pytest.mark.feature("F029")
async def test_another_change_ends_the_trial(node: Node) -> None:
    await node.current.accept(WORKER)
    await node.current.try_out(CONTROL_PLANE, 0.05)
    await node.current.accept(VALID)
    await node.current.try_out(CONTROL_PLANE, 0.05)
    await node.current.stage(WORKER)
    trial = node.current._trial
    assert trial is None
    assert await node.current.active() == CONTROL_PLANE
    assert node.file.path.read_bytes() == WORKER


@pytest.mark.feature("F028")
async def test_a_disk_that_takes_nothing_changes_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await node.current.accept(WORKER)
    before = {p.name: p.read_bytes() for p in node.file.path.parent.iterdir()}
    monkeypatch.setattr(configuration, "PERSIST_TIMEOUT_S", 0.2)

    def full(source: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(node.file, "write", full)
    with pytest.raises(errors.TimedOut, match="was not written"):
        await node.current.accept(VALID)
    assert await node.current.active() == await node.current.persistent() == WORKER
    assert {p.name: p.read_bytes() for p in node.file.path.parent.iterdir()} == before


@pytest.mark.feature("F020")
def test_diff_names_changes_and_no_secrets() -> None:
    old = loader.load(VALID)
    assert configuration.diff(old, loader.load(VALID)) == ""
    new = (
        loader.load(VALID + b"---\napiVersion: v1alpha1\nkind: HostnameConfig\nhostname: changed\n")
        if (old.one(HostnameConfig) is None)
        else loader.load(VALID.replace(b"auto: stable", b"hostname: changed"))
    )
    text = configuration.diff(old, new)
    assert "+hostname: changed\n" in text
    assert old.v1alpha1 is not None
    assert old.v1alpha1.machine is not None
    token = old.v1alpha1.machine.token
    assert token
    assert token not in configuration.diff(None, old)
    renewed = loader.load(VALID.replace(token.encode(), b"abcdef.0123456789abcdef"))
    assert configuration.diff(old, renewed) == "Only values that are secret differ.\n"
