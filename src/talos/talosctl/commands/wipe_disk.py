"""talosctl wipe disk."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.session import Session

_METHODS = ("FAST", "ZEROES")
_TIMEOUT_S = 24 * 3600.0


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Empty disks or partitions that no volume uses."""
    from talos.machinery.api._generated.storage import storage_pb2

    if args.method.upper() not in _METHODS:
        raise errors.Invalid(f"--method: expected {' or '.join(_METHODS)}, got {args.method!r}")
    method = storage_pb2.BlockDeviceWipeDescriptor.Method.Value(args.method.upper())
    devices = [
        storage_pb2.BlockDeviceWipeDescriptor(
            device=name.removeprefix("/dev/"), method=method, drop_partition=args.drop_partition
        )
        for name in args.devices
    ]
    request = storage_pb2.BlockDeviceWipeRequest(devices=devices)
    path = "/storage.StorageService/BlockDeviceWipe"
    return (await session.each_message(path, request, timeout_s=_TIMEOUT_S))[1]


COMMAND = command.Command(
    path="wipe disk",
    help="empty disks or partitions that no volume uses",
    run=run,
    arguments=(command.Argument("devices", "names such as vdb or vdb1", count="+"),),
    flags=(
        command.Flag("drop-partition", "remove the partition from its disk afterwards", kind="bool"),
        command.Flag("method", "FAST: signatures only; ZEROES: every block", default="FAST"),
        *command.INSECURE_FLAGS,
    ),
)
