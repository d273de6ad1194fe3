"""talosctl image remove."""

from __future__ import annotations

import argparse

from talos.talosctl import command, images
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Remove an image from the machines."""
    from talos.machinery.api._generated.machine import image_pb2

    request = image_pb2.ImageServiceRemoveRequest(containerd=images.instance(args.namespace), image_ref=args.image)

    async def one(node: str) -> None:
        await session.unary("/machine.ImageService/Remove", request, node=node)

    return (await session.each(one))[1]


COMMAND = command.Command(
    path="image remove",
    help="remove an image from a machine",
    run=run,
    aliases=("rm",),
    arguments=(command.Argument("image", "reference of the image"),),
    flags=images.FLAGS,
)
