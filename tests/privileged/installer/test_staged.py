"""A system that is staged: kept with its digest in META, installed by the next boot once, and never when it changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from talos.base import errors
from talos.boot import entries, meta
from talos.installer import machine
from talos.machined import configuration, modes, systems
from talos.supervisor.containerd import client as containerd
from tests.privileged.installer import test_asking
from tests.privileged.installer.test_refused import MIB, Kept, Machine, _on_disk, archive, base

pytestmark = [pytest.mark.needs_machine, pytest.mark.timeout(600)]
__all__ = ["archive", "base"]


@pytest.fixture
def made(tmp_path: Path, base: object, monkeypatch: pytest.MonkeyPatch) -> systems.Systems:
    """A machine of its own, with META in a file."""
    disk, values = tmp_path / "disk", tmp_path / "meta"
    _on_disk(disk, base, 300 * MIB)  # type: ignore[arg-type]
    values.write_bytes(bytes(MIB))
    own = Machine(scratch=tmp_path / "scratch")
    own.disk = disk
    monkeypatch.setattr(systems, "SCRATCH", tmp_path / "scratch")
    monkeypatch.setattr(systems, "STAGED", tmp_path / "staged")
    monkeypatch.setattr(machine.Machine, "meta", lambda self: meta.Partition(values))
    monkeypatch.setattr(machine.Machine, "booted", lambda self: type("Booted", (), {"entry": "pytalos-00000001.conf"}))
    kept = cast(configuration.Configuration, Kept(test_asking.config(tmp_path)))
    found = systems.Systems(containerd.Client(tmp_path / "absent.sock"), kept, modes.Mode.METAL)
    found.__dict__["machine"] = own
    return found


def _entries(made: systems.Systems) -> list[entries.Entry]:
    with made.machine.partition() as part:
        return part.entries()


@pytest.mark.feature("J009")
def test_the_next_boot_installs_what_was_staged_and_only_once(made: systems.Systems, archive: Path) -> None:
    asyncio.run(made.stage(systems.Wish(str(archive)), lambda _: None))
    assert len(_entries(made)) == 1, "staging changes nothing of what boots"
    assert made.machine.meta().read()[meta.Tag.STAGED_UPGRADE_IMAGE] == str(archive).encode()
    found = made.take_staged()
    assert found is not None
    asyncio.run(made.upgrade(found, lambda _: None))
    first, second = _entries(made)
    assert (first.tries_left, second.tries_left) == (entries.TRIES, None)
    assert meta.Tag.STAGED_UPGRADE_OPTIONS not in made.machine.meta().read()
    # What a boot goes back to, until this one is good.
    assert made.machine.meta().read()[meta.Tag.UPGRADE] == second.id.encode()
    assert made.take_staged() is None


def test_what_changed_since_it_was_staged_is_not_installed(made: systems.Systems, archive: Path) -> None:
    asyncio.run(made.stage(systems.Wish(str(archive)), lambda _: None))
    kept = systems.STAGED / "vmlinuz.efi"
    with kept.open("r+b") as file:
        file.seek(kept.stat().st_size // 2)
        file.write(b"changed")
    with pytest.raises(errors.Invalid, match="not the one that was asked for"):
        made.take_staged()
    assert len(_entries(made)) == 1
    # The wish is gone: the boot after this one does not stumble over it again.
    assert made.take_staged() is None
