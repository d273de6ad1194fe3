"""talosctl image list."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from talos.talosctl import command, images, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List the images of the machines."""
    from talos.machinery.api._generated.machine import image_pb2

    rows: list[tuple[str, ...]] = []

    def add(node: str, message: Any) -> None:
        created = message.created_at.ToDatetime(tzinfo=datetime.UTC)
        rows.append((node, message.name, message.digest, output.size(message.size), f"{created:%Y-%m-%dT%H:%M:%SZ}"))

    request = image_pb2.ImageServiceListRequest(containerd=images.instance(args.namespace))
    code = await session.follow("/machine.ImageService/List", request, add)
    output.table(("NODE", "IMAGE", "DIGEST", "SIZE", "CREATED"), rows)
    return code


COMMAND = command.Command(
    path="image list", help="list the images of a machine", run=run, aliases=("l", "ls"), flags=images.FLAGS
)
