"""talosctl reboot."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import action, command, kubeconfig_file, output
from talos.talosctl.session import Session

if TYPE_CHECKING:
    from talos.machinery.api._generated.machine import machine_pb2

_MODES = {"default": "DEFAULT", "powercycle": "POWERCYCLE", "force": "FORCE"}
_PATH = "/machine.MachineService/Reboot"


async def _node_name(session: Session, node: str) -> str:
    """Name of a node in Kubernetes."""
    import yaml

    from talos.machinery.api._generated.cosi import state_pb2

    asked = state_pb2.GetRequest(namespace="k8s", type="Nodenames.kubernetes.talos.dev", id="nodename")
    reply = await session.unary("/cosi.resource.State/Get", asked, node=node)
    return str(yaml.safe_load(reply.resource.spec.yaml_spec)["nodename"])


async def _drained(
    session: Session, node: str, request: machine_pb2.RebootRequest, wish: action.Wish, drain_s: float
) -> None:
    """Drain a node, reboot it, and give it back to the scheduler, also when the reboot failed."""
    from talos.k8s import client, drain

    name = await _node_name(session, node)
    # Whoever answers at the endpoint is a control plane node, and only those have it.
    async with client.Client.from_kubeconfig(await kubeconfig_file.fetch(session, "")) as kubernetes:
        output.say(f"{node}: draining node {name}")
        try:
            await drain.drain(kubernetes, name, timeout_s=drain_s, report=lambda text: output.say(f"{node}: {text}"))
            await action.start(session, node, _PATH, request, wish)
        finally:
            await drain.uncordon(kubernetes, name)
    output.say(f"{node}: node {name} takes pods again")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Reboot nodes and wait until they are back; with --drain one after the other."""
    from talos.machinery.api._generated.machine import machine_pb2

    if args.mode not in _MODES:
        raise errors.Invalid(f"--mode: expected default, powercycle or force, got {args.mode!r}")
    if args.drain and not args.wait:
        raise errors.Invalid("--drain needs --wait: the node has to get its pods back afterwards")
    request = machine_pb2.RebootRequest(mode=machine_pb2.RebootRequest.Mode.Value(_MODES[args.mode]))
    if not args.drain:
        return await action.run(session, _PATH, request, args, ends=action.Ends.BOOTED)
    wish = action.wish(args, action.Ends.BOOTED)
    for node in session.nodes:
        await _drained(session, node, request, wish, args.drain_timeout.total_seconds())
    return None


COMMAND = command.Command(
    path="reboot",
    help="reboot nodes",
    run=run,
    flags=(
        command.Flag("mode", "default, powercycle or force", short="m", default="default"),
        command.Flag("drain", "move the pods of a node away first, one node after the other", kind="bool"),
        command.Flag("drain-timeout", "how long pods may take to leave", kind="duration", default="5m"),
        *action.FLAGS,
    ),
)
