"""talosctl image import."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from talos.talosctl import command, images, output
from talos.talosctl.session import Session

if TYPE_CHECKING:
    from talos.machinery.api._generated.machine import image_pb2

_CHUNK_BYTES = 1 << 20


async def _requests(path: Path, namespace: str) -> AsyncIterator[image_pb2.ImageServiceImportRequest]:
    from talos.machinery.api._generated.common import common_pb2
    from talos.machinery.api._generated.machine import image_pb2

    yield image_pb2.ImageServiceImportRequest(containerd=images.instance(namespace))
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield image_pb2.ImageServiceImportRequest(image_chunk=common_pb2.Data(bytes=chunk))


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Send an archive of images to the machines."""
    images.instance(args.namespace)
    path = Path(args.path)
    # A missing file is one error, not one per node.
    path.stat()

    async def one(node: str) -> str:
        requests = _requests(path, args.namespace)
        reply = await session.connection.upload("/machine.ImageService/Import", requests, node=node)
        return str(reply.name)

    answers, code = await session.each(one)
    output.table(("NODE", "IMAGE"), answers)
    return code


COMMAND = command.Command(
    path="image import",
    help="import an OCI archive into a machine",
    run=run,
    arguments=(command.Argument("path", "tar file with an OCI layout"),),
    flags=images.FLAGS,
)
