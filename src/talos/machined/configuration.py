"""The running machine configuration and the one on disk.

Two resources hold it: `v1alpha1` is in force, `persistent` is what the next boot finds in STATE. A client changes both,
or only the second (staged), or only the first for a while (try). Whatever fails on the way is taken back, so that a
change that was refused has changed nothing.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from typing import Any

import msgspec

from talos.base import errors
from talos.cosi import state
from talos.machined import config_file
from talos.machinery.config import container
from talos.machinery.resources.config.machine_config import ACTIVE_ID, PERSISTENT_ID, MachineConfig

_log = logging.getLogger("configuration")
PERSIST_TIMEOUT_S = 10.0

BOOT_SECTIONS = frozenset({"type", "install", "disks", "files", "systemDiskEncryption"})
"""Keys below `machine` that take effect at boot only; everything else is followed by controllers."""
BOOT_DOCUMENTS = frozenset({"UnattendedInstallConfig"})
"""Kinds of documents that take effect at boot only."""

PROTECTIVE = {
    "ImageVerificationConfig": "images would run with their signatures unchecked",
}
"""Kinds of documents that promise protection, and what would be if nothing kept the promise."""
PARTIAL = {
    "ExtensionServiceConfig": "its files are written, services of extensions are not started by this release",
    "SideroLinkConfig": "its token is read, the tunnel is not made by this release",
}
"""Kinds of documents that are read, and what of them has no effect yet."""


def refuse_empty_promises(config: container.Container) -> None:
    """Raise Invalid for a document that promises protection while nothing here reads it."""
    from talos.machinery.config import consumers

    unread = set(consumers.unused(config))
    broken = [one for one in config.documents if one.kind in PROTECTIVE and one.title in unread]
    if broken:
        words = "; ".join(f"{one.title}: {PROTECTIVE[one.kind]}" for one in broken)
        raise errors.Invalid(f"this release can not do what is asked for: {words}")


def check(config: container.Container, mode: str) -> list[str]:
    """Return warnings. Raises Invalid with every problem. A part is only asked whether each document makes sense."""
    from talos.machinery.config import consumers, findings, validation

    refuse_empty_promises(config)
    notes = [note] if (note := consumers.note(config)) else []
    notes += [f"{one.title}: {PARTIAL[one.kind]}" for one in config.documents if one.kind in PARTIAL]
    if config.v1alpha1 is not None:
        return validation.validate(config, validation.Mode(mode)) + notes
    found = findings.Findings()
    for document in config.documents:
        document.validate(found)
    if found.errors:
        raise errors.Invalid(found.errors)
    return [str(problem) for problem in found.warnings] + notes


def _machine(config: container.Container) -> dict[str, Any]:
    section = config.v1alpha1.machine if config.v1alpha1 is not None else None
    plain: Any = msgspec.to_builtins(section) if section is not None else {}
    return dict(plain)


def waits_for_boot(old: container.Container, new: container.Container) -> list[str]:
    """Return the settings that differ and take effect at boot only: paths, then kinds of documents."""
    before, after = _machine(old), _machine(new)
    late = sorted(f"machine.{key}" for key in BOOT_SECTIONS if before.get(key) != after.get(key))
    for kind in sorted(BOOT_DOCUMENTS):
        if [d for d in old.documents if d.kind == kind] != [d for d in new.documents if d.kind == kind]:
            late.append(kind)
    return late


def _shown(config: container.Container | None) -> list[str]:
    if config is None:
        return []
    return config.redacted().encode().decode(errors="replace").splitlines(keepends=True)


def diff(old: container.Container | None, new: container.Container) -> str:
    """Return a unified diff of two configurations without their secrets, empty when they mean the same."""
    text = "".join(difflib.unified_diff(_shown(old), _shown(new), "current", "new"))
    if not text and old != new:
        return "Only values that are secret differ.\n"
    return text


class Configuration:
    """Changes the configuration resources; everybody else only reads them."""

    def __init__(self, store: state.State, file: config_file.ConfigFile | None = None) -> None:
        self._store = store
        self.file = file or config_file.ConfigFile()
        self._trial: asyncio.Task[None] | None = None
        self._before_trial: bytes | None = None
        self.changing = asyncio.Lock()
        """Held by whoever applies a configuration: one at a time."""
        self.wanted = False
        """Whether the machine waits for a person to bring one (maintenance mode)."""

    async def active(self) -> bytes | None:
        """Return the configuration in force."""
        return await self._source(ACTIVE_ID)

    async def persistent(self) -> bytes | None:
        """Return the configuration of the next boot."""
        return await self._source(PERSISTENT_ID)

    async def _source(self, id: str) -> bytes | None:
        found = await state.find(self._store, MachineConfig, id)
        return None if found is None else found.spec.source

    async def activate(self, source: bytes) -> None:
        """Put a configuration in force. It has been checked before."""
        self.end_trial()
        await self._put(ACTIVE_ID, source)
        self.file.note(source)

    async def _put(self, id: str, source: bytes | None) -> None:
        if source is not None:
            await state.put(self._store, MachineConfig(id, MachineConfig.Spec(source=source)))
        elif await state.find(self._store, MachineConfig, id) is not None:
            await state.teardown_and_destroy(self._store, MachineConfig, id, timeout_s=PERSIST_TIMEOUT_S)

    async def persist(self, source: bytes) -> None:
        """Let the next boot find this configuration; returns when it is on disk.

        Raises TimedOut when it could not be written; what was there before is there again.
        """
        before = await self._source(PERSISTENT_ID)
        await self._put(PERSISTENT_ID, source)
        try:
            async with asyncio.timeout(PERSIST_TIMEOUT_S):
                while not self.file.holds(source):  # noqa: ASYNC110  (the file is another component's)
                    await asyncio.sleep(0.02)
        except BaseException as error:
            await self._put(PERSISTENT_ID, before)
            if not isinstance(error, TimeoutError):
                raise
            text = f"the configuration was not written to {self.file.path} within {PERSIST_TIMEOUT_S:g} s"
            raise errors.TimedOut(text) from None

    async def accept(self, source: bytes) -> None:
        """Persist a configuration, then put it in force. Raises TimedOut, having changed nothing."""
        await self.persist(source)
        await self.activate(source)

    async def stage(self, source: bytes) -> None:
        """Persist a configuration for the next boot; a trial under way becomes what is in force till then."""
        await self.persist(source)
        self.end_trial()

    async def try_out(self, source: bytes, seconds: float) -> None:
        """Put a configuration in force for `seconds`, then return to the one before this and any earlier trial."""
        before = self._before_trial if self._trial is not None else await self.active()
        self.end_trial()
        await self._put(ACTIVE_ID, source)
        self._before_trial = before
        self._trial = asyncio.create_task(self._roll_back(seconds), name="configuration/trial")

    def end_trial(self) -> None:
        """Keep what is in force: another change has been made."""
        if self._trial is not None and self._trial is not asyncio.current_task():
            self._trial.cancel()
        self._trial = self._before_trial = None

    async def _roll_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._before_trial is not None:
            _log.info("the tried configuration is taken back after %g s", seconds)
            await self.activate(self._before_trial)
