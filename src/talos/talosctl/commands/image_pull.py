"""talosctl image pull."""

from __future__ import annotations

import argparse
from typing import Any

from talos.talosctl import command, images, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Have the machines pull an image."""
    from talos.machinery.api._generated.machine import image_pb2

    def show(node: str, message: Any) -> None:
        if message.name:
            output.say(f"{node}: {message.name}")

    request = image_pb2.ImageServicePullRequest(containerd=images.instance(args.namespace), image_ref=args.image)
    return await session.follow("/machine.ImageService/Pull", request, show)


COMMAND = command.Command(
    path="image pull",
    help="pull an image onto a machine",
    run=run,
    aliases=("p",),
    arguments=(command.Argument("image", "reference of the image"),),
    flags=images.FLAGS,
)
