"""talosctl reboot."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import action, command
from talos.talosctl.session import Session

_MODES = {"default": "DEFAULT", "powercycle": "POWERCYCLE", "force": "FORCE"}


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Reboot nodes and wait until they are back."""
    from talos.machinery.api._generated.machine import machine_pb2

    if args.mode not in _MODES:
        raise errors.Invalid(f"--mode: expected default, powercycle or force, got {args.mode!r}")
    request = machine_pb2.RebootRequest(mode=machine_pb2.RebootRequest.Mode.Value(_MODES[args.mode]))
    return await action.run(session, "/machine.MachineService/Reboot", request, args, ends=action.Ends.BOOTED)


COMMAND = command.Command(
    path="reboot",
    help="reboot nodes",
    run=run,
    flags=(command.Flag("mode", "default, powercycle or force", short="m", default="default"), *action.FLAGS),
)
