"""talosctl health."""

from __future__ import annotations

import argparse
from typing import Any

from talos.base import errors
from talos.talosctl import command, output, resources
from talos.talosctl.session import Session


async def _members(session: Session, node: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Addresses of control planes and workers, as the node has discovered them."""
    known = await resources.definitions(session, node)
    definition = resources.resolve("members", known)
    planes: list[str] = []
    workers: list[str] = []
    async for found in resources.read(session, node, definition, definition.namespace, ""):
        spec = resources.spec_data(found)
        if spec.get("addresses"):
            (workers if spec.get("machineType") == "worker" else planes).append(spec["addresses"][0])
    return tuple(planes), tuple(workers)


async def _server_side(session: Session, args: argparse.Namespace, node: str) -> int:
    from google.protobuf import duration_pb2

    from talos.machinery.api._generated.cluster import cluster_pb2

    planes = list(args.control_plane_nodes) or ([args.init_node] if args.init_node else [])
    request = cluster_pb2.HealthCheckRequest(
        wait_timeout=duration_pb2.Duration(seconds=int(args.wait_timeout.total_seconds())),
        cluster_info=cluster_pb2.ClusterInfo(control_plane_nodes=planes, worker_nodes=args.worker_nodes),
    )
    wait_s = args.wait_timeout.total_seconds() + 30
    async for progress in session.stream("/cluster.ClusterService/HealthCheck", request, node=node, timeout_s=wait_s):
        if progress.metadata.error:
            raise errors.Temporary(f"{progress.metadata.hostname}: {progress.metadata.error}")
        output.say(progress.message)
    return 0


def _at(text: str, endpoint: str) -> str:
    """Return a kubeconfig with another address of the API server."""
    import base64

    from talos.k8s import kubeconfig

    server = endpoint if "://" in endpoint else f"https://{endpoint}"
    ca = base64.b64decode(kubeconfig.current(text).cluster["certificate-authority-data"])
    return kubeconfig.with_server(text, server=server, ca=ca) or text


async def _client_side(session: Session, args: argparse.Namespace, node: str) -> int:
    from talos.k8s import checks, client, cluster_api
    from talos.talosctl import kubeconfig_file

    planes = tuple(args.control_plane_nodes) or ((args.init_node,) if args.init_node else ())
    workers = tuple(args.worker_nodes)
    if not planes and not workers:
        planes, workers = await _members(session, node)
    output.say(checks.discovered(planes, workers))

    async def ask(target: str, path: str, message: Any) -> Any:
        return await session.unary(path, message, node=target, timeout_s=15)

    async def report(line: str) -> None:
        output.say(line)

    text = await kubeconfig_file.fetch(session, planes[0] if planes else node)
    if args.k8s_endpoint:
        text = _at(text, args.k8s_endpoint)
    async with client.Client.from_kubeconfig(text) as kubernetes:
        target = checks.Target(planes, workers, cluster_api.Nodes(ask), cluster_api.Kube(kubernetes))
        await checks.run(target, report, timeout_s=args.wait_timeout.total_seconds())
    return 0


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Check a cluster step by step until it is healthy."""
    node = session.nodes[0]
    if args.server:
        return await _server_side(session, args, node)
    return await _client_side(session, args, node)


COMMAND = command.Command(
    path="health",
    help="check the health of the cluster",
    run=run,
    flags=(
        command.Flag("control-plane-nodes", "control plane nodes (default: discovered)", kind="strings"),
        command.Flag("worker-nodes", "worker nodes (default: discovered)", kind="strings"),
        command.Flag("k8s-endpoint", "address of the Kubernetes API server to ask, with --server=false"),
        command.Flag("init-node", "the only control plane node of an old cluster"),
        command.Flag("server", "check from a control plane node, not from here", kind="bool", default=True),
        command.Flag("wait-timeout", "how long to wait for health", kind="duration", default="20m"),
    ),
)
