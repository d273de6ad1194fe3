"""talosctl upgrade."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import action, command, images, output
from talos.talosctl.session import Session

if TYPE_CHECKING:
    from talos.machinery.api._generated.common import common_pb2

_MODES = {"default": "DEFAULT", "powercycle": "POWERCYCLE", "force": "FORCE"}
_UPGRADE, _REBOOT = "/machine.LifecycleService/Upgrade", "/machine.MachineService/Reboot"
_OLD = "/machine.MachineService/Upgrade"


async def _present(session: Session, node: str, containerd: common_pb2.ContainerdInstance, image: str) -> bool:
    from talos.machinery.api._generated.machine import image_pb2

    request = image_pb2.ImageServiceListRequest(containerd=containerd)
    async for one in session.stream("/machine.ImageService/List", request, node=node):
        if one.name == image:
            return True
    return False


async def _write(session: Session, node: str, containerd: common_pb2.ContainerdInstance, image: str) -> None:
    """Bring the image to the node and have it written beside the running system. Raises Permanent."""
    from talos.machinery.api._generated.machine import image_pb2, lifecycle_pb2

    if not image.startswith("/") and not await _present(session, node, containerd, image):
        output.say(f"{node}: pulling {image}")
        pull = image_pb2.ImageServicePullRequest(containerd=containerd, image_ref=image)
        async for _ in session.stream("/machine.ImageService/Pull", pull, node=node):
            pass
    request = lifecycle_pb2.LifecycleServiceUpgradeRequest(containerd=containerd)
    request.source.image_name = image
    last, code = "", None
    async for message in session.stream(_UPGRADE, request, node=node):
        if message.progress.WhichOneof("response") == "exit_code":
            code = message.progress.exit_code
        else:
            last = message.progress.message
            output.say(f"{node}: {last}")
    if code != 0:
        raise errors.Permanent(f"the upgrade was not made: {last or 'the node said nothing'}")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Install another system beside the running one and boot it; the node comes back to this one if that is bad."""
    from talos.machinery.api._generated.machine import machine_pb2

    if args.reboot_mode not in _MODES:
        raise errors.Invalid(f"--reboot-mode: expected default, powercycle or force, got {args.reboot_mode!r}")
    if not args.image:
        raise errors.Invalid("--image: which system? There is no default")
    mode = _MODES[args.reboot_mode]
    if args.legacy or args.stage or args.force:
        request = machine_pb2.UpgradeRequest(image=args.image, stage=args.stage, force=args.force)
        request.reboot_mode = machine_pb2.UpgradeRequest.POWERCYCLE if mode == "POWERCYCLE" else 0  # type: ignore[assignment]
        if args.force:
            output.say("--force: neither the configuration nor etcd's majority is looked at")
        return await action.run(session, _OLD, request, args, ends=action.Ends.BOOTED)
    containerd = images.instance(args.namespace)
    wished = action.wish(args, action.Ends.BOOTED)
    reboot = machine_pb2.RebootRequest(mode=machine_pb2.RebootRequest.Mode.Value(mode))

    async def one(node: str) -> None:
        await _write(session, node, containerd, args.image)
        if not args.no_reboot:
            await action.start(session, node, _REBOOT, reboot, wished)

    return (await session.each(one))[1]


COMMAND = command.Command(
    path="upgrade",
    help="install another version and boot it",
    run=run,
    flags=(
        command.Flag("image", "installer image, or the path of a file on the node", short="i", default=""),
        command.Flag("namespace", "system or cri: where the node keeps the image", default="system"),
        command.Flag("reboot-mode", "default, powercycle or force", short="m", default="default"),
        command.Flag("no-reboot", "leave the reboot to somebody else", kind="bool"),
        command.Flag("stage", "let the next boot install it", kind="bool", short="s"),
        command.Flag("force", "skip the checks of etcd and of the configuration", kind="bool"),
        command.Flag("legacy", "use the one call of earlier versions", kind="bool"),
        *action.FLAGS,
    ),
)
