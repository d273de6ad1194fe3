"""talosctl cluster destroy."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import command, exit_codes, output
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Remove it with everything it has on this machine."""
    from talos.provision import cluster, console

    store = _cluster.store(args)
    if args.save_cluster_logs_archive_path:
        console.save(store, args.name, Path(args.save_cluster_logs_archive_path))
    try:
        failures = await cluster.destroy(store, args.name, force=args.force)
    except errors.NotFound:
        raise
    except (errors.TalosError, OSError) as error:
        output.say(f"error: {error}")
        output.say("hint: what is left is kept in the state file; repeat the command, or go on regardless with --force")
        return exit_codes.of(error)
    for failure in failures:
        output.say(f"not removed: {failure}")
    output.say(
        f"cluster {args.name} is destroyed" + (f", {len(failures)} thing(s) could not be removed" if failures else "")
    )
    return exit_codes.Exit.FAILED if failures else None


COMMAND = command.Command(
    path="cluster destroy",
    help="destroy a local cluster",
    description="End all nodes and remove everything the cluster has on this machine: processes, mounts, links,\n"
    "files, and its contexts in the talosconfig and the kubeconfig.",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag("force", "go on after failures and remove the folder in any case", short="f", kind="bool"),
        command.Flag(
            "save-cluster-logs-archive-path", "first write the nodes' console logs to this .tar.gz file", metavar="PATH"
        ),
    ),
)
