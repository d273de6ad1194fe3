"""talosctl image k8s-bundle."""

from __future__ import annotations

import argparse

from talos.base.constants import versions
from talos.talosctl import command
from talos.talosctl.session import Session


def _v(text: str) -> str:
    return text if text.startswith("v") else f"v{text}"


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List the images a cluster is made of."""
    kubernetes = _v(args.k8s_version)
    found = [versions.IMAGE_FLANNEL.rpartition(":")[0] + ":" + _v(args.flannel_version)]
    found.append(versions.IMAGE_COREDNS.rpartition(":")[0] + ":" + _v(args.coredns_version))
    found.append(versions.IMAGE_ETCD.rpartition(":")[0] + ":" + _v(args.etcd_version))
    components = (
        versions.IMAGE_API_SERVER,
        versions.IMAGE_CONTROLLER_MANAGER,
        versions.IMAGE_SCHEDULER,
        versions.IMAGE_PROXY,
        versions.IMAGE_KUBELET,
    )
    found += [f"{image.rpartition(':')[0]}:{kubernetes}" for image in components]
    print("\n".join([*found, versions.IMAGE_PAUSE]))
    return None


COMMAND = command.Command(
    path="image k8s-bundle",
    help="list the images a cluster is made of",
    run=run,
    aliases=("default",),
    flags=(
        command.Flag("k8s-version", "version of Kubernetes", default=versions.KUBERNETES),
        command.Flag("coredns-version", "version of CoreDNS", default=versions.COREDNS),
        command.Flag("etcd-version", "version of etcd", default=versions.ETCD),
        command.Flag("flannel-version", "version of flannel", default=versions.FLANNEL),
    ),
)
