"""talosctl edit."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import tempfile
from pathlib import Path

from talos.base import errors
from talos.machinery.rpc import status
from talos.talosctl import apply, command, output
from talos.talosctl.session import Session

_EDITORS = ("TALOS_EDITOR", "EDITOR")
_NOTE = "#| "


def editor() -> list[str]:
    """Return the command line of the person's editor."""
    return shlex.split(next((os.environ[name] for name in _EDITORS if os.environ.get(name)), "vi"))


def without_notes(text: bytes) -> bytes:
    """Drop the lines written for the person at the beginning."""
    lines = text.splitlines(keepends=True)
    while lines and lines[0].startswith(_NOTE.strip().encode()):
        lines.pop(0)
    return b"".join(lines)


async def _edited(text: bytes, notes: list[str]) -> tuple[bytes, Path]:
    """Have the person edit a file; return its text and place, which stays. Raises CommandFailed as Permanent."""
    handle, name = tempfile.mkstemp(prefix="talosctl-edit-", suffix=".yaml")
    with os.fdopen(handle, "wb") as file:
        file.write("".join(f"{_NOTE}{line}\n" for note in notes for line in note.splitlines()).encode() + text)
    words = [*editor(), name]
    try:
        process = await asyncio.create_subprocess_exec(*words)
    except FileNotFoundError as error:
        Path(name).unlink()
        raise errors.NotFound(f"editor {words[0]!r} is not installed; name one in EDITOR") from error
    if await process.wait() != 0:
        raise errors.Permanent(f"editor {words[0]!r} ended with code {process.returncode}; your text is in {name}")
    return without_notes(Path(name).read_bytes()), Path(name)


async def _one(session: Session, node: str, args: argparse.Namespace) -> None:
    """Edit the configuration of one node until it is accepted, unchanged, empty, or refused twice alike."""
    original = text = await apply.active(session, node)
    notes = [f"Configuration of {node}. Leave it empty, or unchanged, to apply nothing."]
    while True:
        before = text
        text, place = await _edited(text, notes)
        if not text.strip() or text == original:
            place.unlink()
            output.say(f"{node}: {'nothing is left' if not text.strip() else 'nothing was changed'}, nothing applied")
            return
        if len(notes) > 1 and text == before:
            raise errors.Invalid(f"{notes[-1]}\nnothing was applied; your text is in {place}")
        try:
            await apply.send(session, node, text, args)
        except status.RpcError as error:
            place.unlink()
            notes = [notes[0], error.message]
            continue
        place.unlink()
        return


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Open the active configuration in an editor and apply what comes out; one node after the other."""
    apply.check_resource(args)
    apply.request(b"", args)
    for node in session.nodes:
        await _one(session, node, args)
    return None


COMMAND = command.Command(
    path="edit",
    help="edit the configuration of a machine",
    description="Opens the editor of TALOS_EDITOR or EDITOR. A text the node refuses is opened again with the reason.",
    run=run,
    arguments=apply.RESOURCE,
    flags=(command.Flag("namespace", "namespace of the resource"), *apply.FLAGS),
    example="talosctl edit mc --mode no-reboot",
)
