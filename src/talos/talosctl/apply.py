"""What the commands that change a node's configuration share: reading the active one, sending a new one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import yaml

from talos.base import errors
from talos.talosctl import command, output

if TYPE_CHECKING:
    from talos.machinery.api._generated.machine import machine_pb2
    from talos.talosctl.session import Session

TYPE, ACTIVE = "MachineConfigs.config.talos.dev", "v1alpha1"
_NAMES = frozenset({"machineconfig", "machineconfigs", "mc", TYPE.lower()})
_MODES = {"auto": "AUTO", "no-reboot": "NO_REBOOT", "reboot": "REBOOT", "staged": "STAGED", "try": "TRY"}

FLAGS = (
    command.Flag("mode", "auto, no-reboot, reboot, staged or try", short="m", default="auto"),
    command.Flag("dry-run", "only say what would change", kind="bool"),
    command.Flag("timeout", "time after which a tried configuration is taken back", kind="duration", default="1m"),
)
RESOURCE = (
    command.Argument("type", "machineconfig (mc)"),
    command.Argument("id", "v1alpha1, the active one", count="?"),
)


def check_resource(args: argparse.Namespace) -> None:
    """Raise Invalid unless the active configuration is meant: nothing else can be changed from outside."""
    if args.type.lower() not in _NAMES or args.id not in (None, ACTIVE):
        raise errors.Invalid(f"only machineconfig {ACTIVE} can be changed, not {args.type} {args.id or ''}".rstrip())


async def active(session: Session, node: str) -> bytes:
    """Return the configuration a node runs with. Raises RpcError, Invalid for an answer that is none."""
    from talos.machinery.api._generated.cosi import state_pb2

    request = state_pb2.GetRequest(namespace="config", type=TYPE, id=ACTIVE)
    reply = await session.unary("/cosi.resource.State/Get", request, node=node)
    text = yaml.load(reply.resource.spec.yaml_spec, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    if not isinstance(text, str):
        raise errors.Invalid(f"{node} sent a configuration that is no text")
    return text.encode()


def request(data: bytes, args: argparse.Namespace) -> machine_pb2.ApplyConfigurationRequest:
    """Return the request that `FLAGS` ask for. Raises Invalid."""
    from google.protobuf import duration_pb2

    from talos.machinery.api._generated.machine import machine_pb2

    if args.mode not in _MODES:
        raise errors.Invalid(f"--mode: expected {', '.join(_MODES)}, got {args.mode!r}")
    return machine_pb2.ApplyConfigurationRequest(
        data=data,
        mode=machine_pb2.ApplyConfigurationRequest.Mode.Value(_MODES[args.mode]),
        dry_run=args.dry_run,
        try_mode_timeout=duration_pb2.Duration(seconds=int(args.timeout.total_seconds())),
    )


async def send(session: Session, node: str, data: bytes, args: argparse.Namespace) -> None:
    """Send a configuration to a node and print what it says. Raises Invalid, RpcError."""
    reply = await session.unary("/machine.MachineService/ApplyConfiguration", request(data, args), node=node)
    for message in reply.messages:
        for warning in message.warnings:
            output.say(f"{node}: warning: {warning}")
        if message.mode_details:
            output.say(f"{node}: {message.mode_details.rstrip()}")
