"""talosctl copy."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.session import Session, single


def extract(source: int, target: Path) -> None:
    """Unpack a tar.gz from a file descriptor below `target`. Runs in a thread.

    Nothing is written outside: names that climb out, absolute links and devices are refused (tarfile's data filter).
    Raises Invalid.
    """
    with os.fdopen(source, "rb") as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|gz") as archive:
                for member in archive:
                    archive.extract(member, target, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise errors.Invalid(f"archive from the node can not be unpacked: {error}") from error


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Copy a file or directory of one node here; `-` writes the archive to stdout."""
    from talos.machinery.api._generated.machine import machine_pb2

    node = single(session.nodes, "copy")
    request = machine_pb2.CopyRequest(root_path=args.source)
    stream = session.stream("/machine.MachineService/Copy", request, node=node)
    if args.target == "-":
        async for message in stream:
            sys.stdout.buffer.write(message.bytes)
        return None
    target = Path(args.target)
    target.mkdir(parents=True, exist_ok=True)
    await _unpack(stream, target)
    return None


async def _unpack(stream: Any, target: Path) -> None:
    reading, writing = os.pipe()
    unpacking = asyncio.ensure_future(asyncio.to_thread(extract, reading, target))
    try:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            async for message in stream:
                await asyncio.to_thread(pipe.write, message.bytes)
    except BrokenPipeError:
        # The unpacking side gave up; its own error tells why.
        pass
    await unpacking


COMMAND = command.Command(
    path="copy",
    help="copy files from a node",
    run=run,
    aliases=("cp",),
    arguments=(
        command.Argument("source", "absolute path on the node"),
        command.Argument("target", "directory here, or - for the archive on stdout"),
    ),
    example="talosctl copy /var/log/audit ./audit",
)
