"""talosctl cluster show."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session

if TYPE_CHECKING:
    from talos.provision import cluster


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Show one cluster, or all."""
    from talos.provision import cluster

    store = _cluster.store(args)
    if not args.all:
        views = [cluster.view(store, args.name)]
    else:
        views = []
        for name in store.names():
            try:
                views.append(cluster.view(store, name))
            except errors.TalosError as error:
                output.say(f"{name}: {error}")
    if args.output == "json":
        described = [cluster.describe(view) for view in views]
        print(output.json_text(described if args.all else described[0]))
        return None
    for number, view in enumerate(views):
        if number:
            print()
        _show(view)
    return None


def _show(view: cluster.View) -> None:
    from talos.provision import cluster

    described = cluster.describe(view)
    network = described["network"]
    rows = [
        ("PROVISIONER", described["provisioner"]),
        ("NAME", described["name"]),
        ("STATE", described["phase"]),
        ("NETWORK NAME", network["bridge"]),
        ("NETWORK CIDR", network["cidr"]),
        ("NETWORK GATEWAY", network["gateway"]),
        ("NETWORK MTU", network["mtu"]),
        ("KUBERNETES ENDPOINT", described["kubernetes_endpoint"]),
    ]
    if described["exposed_ports"]:
        rows.append(("EXPOSED PORTS", ",".join(described["exposed_ports"])))
    output.table((rows[0][0], rows[0][1]), rows[1:])
    print("\nNODES:\n")
    rows_by_name = {row[0]: row for row in _cluster.node_rows([one.node for one in view.nodes])}
    output.table(
        ("NAME", "TYPE", "IP", "CPU", "RAM", "DISK", "STATE"),
        [(*rows_by_name[one.node.name], one.state + (f": {one.message}" if one.message else "")) for one in view.nodes],
    )


COMMAND = command.Command(
    path="cluster show",
    help="show a local cluster",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag("all", "show all local clusters", kind="bool"),
        command.Flag(
            "provisioner", "accepted for compatibility; the state file knows", default="namespaces", hidden=True
        ),
        _cluster.OUTPUT_FLAG,
    ),
)
