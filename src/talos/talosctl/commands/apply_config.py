"""talosctl apply-config."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session

_MODES = {"auto": "AUTO", "no-reboot": "NO_REBOOT", "reboot": "REBOOT", "staged": "STAGED", "try": "TRY"}


def mode_number(name: str) -> int:
    """Return the wire number of a mode. Raises Invalid."""
    from talos.machinery.api._generated.machine import machine_pb2

    if name not in _MODES:
        raise errors.Invalid(f"--mode: expected {', '.join(_MODES)}, got {name!r}")
    return machine_pb2.ApplyConfigurationRequest.Mode.Value(_MODES[name])


async def apply(session: Session, data: bytes, args: argparse.Namespace) -> int:
    """Send a configuration to the nodes and print what they say."""
    from google.protobuf import duration_pb2

    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.ApplyConfigurationRequest(
        data=data,
        mode=mode_number(args.mode),  # type: ignore[arg-type]
        dry_run=args.dry_run,
        try_mode_timeout=duration_pb2.Duration(seconds=int(args.timeout.total_seconds())),
    )
    replies, code = await session.each_message("/machine.MachineService/ApplyConfiguration", request)
    for node, message in replies:
        for warning in message.warnings:
            output.say(f"{node}: warning: {warning}")
        if message.mode_details:
            output.say(f"{node}: {message.mode_details}")
    return code


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Send a configuration to nodes."""
    if not args.file:
        raise errors.Invalid("--file is needed: the configuration to apply")
    data = Path(args.file).read_bytes()
    if args.config_patch:
        from talos.machinery.config import loader, patcher

        data = patcher.patch(loader.load(data, name=args.file), args.config_patch).encode()
    return await apply(session, data, args)


COMMAND = command.Command(
    path="apply-config",
    help="apply a configuration to a machine",
    run=run,
    aliases=("apply",),
    flags=(
        command.Flag("file", "file with the configuration", short="f"),
        command.Flag("config-patch", "patch to apply first: text or @file", short="p", kind="array"),
        command.Flag("mode", "auto, no-reboot, reboot, staged or try", short="m", default="auto"),
        command.Flag("dry-run", "only say what would change", kind="bool"),
        command.Flag("timeout", "time after which a tried configuration is taken back", kind="duration", default="1m"),
        *command.INSECURE_FLAGS,
    ),
)
