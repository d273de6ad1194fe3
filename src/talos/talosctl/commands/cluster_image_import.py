"""talosctl cluster image import."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Send the archive to every node."""
    from talos.provision import images

    archive = Path(args.archive)
    if not archive.is_file():
        raise errors.NotFound(f"no file {archive}")
    try:
        async with _cluster.shown(args) as view:
            names = await images.import_image(_cluster.store(args), args.name, archive, view, args.namespace)
    except errors.TalosError as error:
        return _cluster.tell(error)
    output.table(("NODE", "IMAGE"), sorted(names.items()))
    return None


COMMAND = command.Command(
    path="cluster image import",
    help="import an OCI archive into all nodes of a local cluster",
    run=run,
    arguments=(command.Argument("archive", "OCI archive (.tar)"),),
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag(
            "namespace", "whose images: cri or system", kind="choice", default="cri", choices=("cri", "system")
        ),
        _cluster.PROGRESS_FLAG,
    ),
)
