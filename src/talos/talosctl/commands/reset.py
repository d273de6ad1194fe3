"""talosctl reset."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import action, command
from talos.talosctl.session import Session

_MODES = {"all": "ALL", "system-disk": "SYSTEM_DISK", "user-disks": "USER_DISKS"}


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Take nodes out of the cluster and wipe them."""
    from talos.machinery.api._generated.machine import machine_pb2

    if args.wipe_mode not in _MODES:
        raise errors.Invalid(f"--wipe-mode: expected all, system-disk or user-disks, got {args.wipe_mode!r}")
    request = machine_pb2.ResetRequest(
        graceful=args.graceful,
        reboot=args.reboot,
        user_disks_to_wipe=args.user_disks_to_wipe,
        mode=machine_pb2.ResetRequest.WipeMode.Value(_MODES[args.wipe_mode]),
        system_partitions_to_wipe=[
            machine_pb2.ResetPartitionSpec(label=label, wipe=True) for label in args.system_labels_to_wipe
        ],
    )
    ends = action.Ends.BOOTED if args.reboot else action.Ends.GONE
    return await action.run(session, "/machine.MachineService/Reset", request, args, ends=ends)


COMMAND = command.Command(
    path="reset",
    help="take nodes out of the cluster and wipe them",
    run=run,
    flags=(
        command.Flag("graceful", "leave etcd and drain first", kind="bool", default=True),
        command.Flag("reboot", "reboot afterwards instead of shutting down", kind="bool"),
        command.Flag("system-labels-to-wipe", "wipe only these system partitions", kind="strings"),
        command.Flag("user-disks-to-wipe", "wipe these disks too", kind="strings"),
        command.Flag("wipe-mode", "all, system-disk or user-disks", default="all"),
        *action.FLAGS,
    ),
)
