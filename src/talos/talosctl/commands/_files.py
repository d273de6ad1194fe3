"""Files commands make: never over one that is there unless asked to, secrets for their owner only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from talos.base import errors
from talos.talosctl import command, output

STDOUT = "-"
FORCE = command.Flag("force", "overwrite files that are there", short="f", kind="bool")
SECRET = 0o600
PUBLIC = 0o644


def refuse(paths: Iterable[str | Path], *, force: bool) -> None:
    """Raise AlreadyExists if one of the files is there, before any of them is written."""
    there = [str(path) for path in paths if str(path) != STDOUT and os.path.lexists(path)]
    if there and not force:
        raise errors.AlreadyExists(f"{', '.join(there)}: there already, use --force to overwrite")


def write(path: str | Path, data: bytes, mode: int, *, force: bool) -> None:
    """Write a file, or to stdout for `-`. What another process made meanwhile is not overwritten."""
    if str(path) == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_TRUNC if force else os.O_EXCL
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, mode)
    except FileExistsError as error:
        raise errors.AlreadyExists(f"{path}: there already, use --force to overwrite") from error
    with os.fdopen(descriptor, "wb") as file:
        if mode == SECRET:
            os.fchmod(descriptor, mode)
        file.write(data)


def say_created(path: str | Path) -> None:
    """Tell the person about a file."""
    if str(path) != STDOUT:
        output.say(f"Created {path}")


def read(path: str | Path) -> bytes:
    """Read a file, or stdin for `-`. Raises OSError."""
    return sys.stdin.buffer.read() if str(path) == STDOUT else Path(path).read_bytes()


def need(**flags: str) -> None:
    """Raise Invalid for flags that must be given and are not."""
    missing = [f"--{name.replace('_', '-')}" for name, value in flags.items() if not value]
    if missing:
        raise errors.Invalid(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} needed")
