"""talosctl gen secrets."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Make the secrets of a cluster, or take those of one that exists."""
    from talos.machinery.config import contract as contracts
    from talos.pki import bundle

    if args.from_controlplane_config and args.from_kubernetes_pki:
        raise errors.Invalid("--from-controlplane-config and --from-kubernetes-pki exclude each other")
    _files.refuse([args.output_file], force=args.force)
    contract = contracts.parse(args.talos_version)
    token = args.kubernetes_bootstrap_token
    if args.from_controlplane_config:
        from talos.machinery.config import loader, secrets

        name = args.from_controlplane_config
        made = secrets.Bundle.from_container(loader.load(_files.read(name), name=name))
    elif args.from_kubernetes_pki:
        made = bundle.from_kubernetes_pki(Path(args.from_kubernetes_pki), contract=contract, bootstrap_token=token)
    else:
        made = bundle.generate(contract=contract, bootstrap_token=token)
    _files.write(args.output_file, made.encode(), _files.SECRET, force=args.force)
    return None


COMMAND = command.Command(
    path="gen secrets",
    help="make the secrets configurations are generated from",
    run=run,
    offline=True,
    flags=(
        command.Flag("output-file", "file to write, - for stdout (default secrets.yaml)", "o", default="secrets.yaml"),
        command.Flag("talos-version", "release of Talos the secrets are for, such as v1.12"),
        command.Flag("from-controlplane-config", "take them from the configuration of a control plane", metavar="FILE"),
        command.Flag(
            "from-kubernetes-pki", "take the authorities of kubeadm (/etc/kubernetes/pki)", "p", metavar="DIR"
        ),
        command.Flag("kubernetes-bootstrap-token", "token for joining instead of a new one", "t"),
        _files.FORCE,
    ),
    example="talosctl gen secrets -o secrets.yaml",
)
