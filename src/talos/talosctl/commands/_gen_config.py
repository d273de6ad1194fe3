"""`gen config` and `machineconfig gen`: one command under two names."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from talos.base import errors
from talos.base.constants import versions
from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session

if TYPE_CHECKING:
    from talos.machinery.config import contract as contracts
    from talos.machinery.config import generate, secrets

OUTPUTS = ("controlplane", "worker", "talosconfig")
_DISK = "/dev/sda"


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write the configurations of the machines and the talosconfig."""
    paths = _paths(args)
    wanted = _input(args)
    written = _configs(args, wanted, paths)
    if "talosconfig" in paths:
        from talos.machinery.client import talosconfig
        from talos.pki import bundle

        written["talosconfig"] = talosconfig.encode(bundle.talosconfig(wanted.cluster_name, wanted.secrets))
    for kind, data in written.items():
        mode = _files.SECRET if kind == "talosconfig" else _files.PUBLIC
        _files.write(paths[kind], data, mode, force=args.force)
        _files.say_created(paths[kind])
    return None


def _paths(args: argparse.Namespace) -> dict[str, str]:
    """Output type -> where it goes. Raises Invalid, AlreadyExists."""
    kinds = list(dict.fromkeys(args.output_types or OUTPUTS))
    wrong = [kind for kind in kinds if kind not in OUTPUTS]
    if wrong:
        raise errors.Invalid(f"--output-types: {', '.join(wrong)}: expected some of {', '.join(OUTPUTS)}")
    if args.version != "v1alpha1":
        raise errors.Invalid(f"--version: expected v1alpha1, got {args.version!r}")
    if args.output and args.output_dir:
        raise errors.Invalid("--output and --output-dir exclude each other")
    if len(kinds) > 1 and args.output == _files.STDOUT:
        raise errors.Invalid("only one kind of output can go to stdout: name it with --output-types")
    if args.output and len(kinds) == 1:
        paths = {kinds[0]: args.output}
    else:
        folder = Path(args.output or args.output_dir or Path.cwd())
        paths = {kind: str(folder / (kind if kind == "talosconfig" else f"{kind}.yaml")) for kind in kinds}
    _files.refuse(paths.values(), force=args.force)
    return paths


def _input(args: argparse.Namespace) -> generate.GenerateInput:
    from talos.machinery.config import contract as contracts
    from talos.machinery.config import defaults, generate

    mirrors: dict[str, tuple[str, ...]] = {}
    for text in args.registry_mirror:
        host, equals, url = text.partition("=")
        if not equals:
            raise errors.Invalid(f"--registry-mirror: expected HOST=URL, got {text!r}")
        mirrors[host] = (*mirrors.get(host, ()), url)
    contract = contracts.parse(args.talos_version)
    wanted = generate.GenerateInput(
        cluster_name=args.name,
        endpoint=args.endpoint,
        secrets=_no_secrets(),
        contract=contract,
        kubernetes_version=args.kubernetes_version,
        dns_domain=args.dns_domain,
        additional_sans=tuple(args.additional_sans),
        install_disk=args.install_disk,
        install_image=args.install_image or defaults.INSTALL_IMAGE,
        registry_mirrors=mirrors,
        cluster_discovery=args.with_cluster_discovery,
        kubespan=args.with_kubespan,
    )
    generate.check(wanted)
    wanted = dataclasses.replace(wanted, secrets=_secrets(args.with_secrets, contract))
    generate.check(wanted)
    return wanted


def _no_secrets() -> secrets.Bundle:
    """Secrets for the check of the other inputs, so that new ones are made only for inputs that are right."""
    from talos.machinery.config import secrets
    from talos.machinery.types import pem

    none = pem.CertificateAndKey()
    return secrets.Bundle("", "", "", "", none, none, none, b"", none)


def _secrets(path: str, contract: contracts.Contract) -> secrets.Bundle:
    from talos.machinery.config import secrets
    from talos.pki import bundle

    if not path:
        return bundle.generate(contract=contract)
    found = secrets.Bundle.load(_files.read(path), name=path)
    bundle.check(found, name=path)
    return found


def _configs(args: argparse.Namespace, wanted: generate.GenerateInput, paths: dict[str, str]) -> dict[str, bytes]:
    """Output type -> its bytes, of those that are machine configurations."""
    from talos.machinery.config import encoder, generate
    from talos.machinery.types.machine import MachineType

    own = {"controlplane": args.config_patch_control_plane, "worker": args.config_patch_worker}
    written = {}
    for kind, machine_type in (("controlplane", MachineType.CONTROL_PLANE), ("worker", MachineType.WORKER)):
        given = [*args.config_patch, *own[kind]]
        if kind not in paths:
            continue
        config = generate.generate(wanted, machine_type)
        if given:
            from talos.machinery.config import patcher

            config = patcher.patch(config, patcher.load_all(given))
        written[kind] = encoder.encode(config, docs=args.with_docs, examples=args.with_examples)
    return written


def make(path: str) -> command.Command:
    """The command under one of its names."""
    return command.Command(
        path=path,
        help="generate the configurations of a cluster",
        description=_DESCRIPTION,
        run=run,
        offline=True,
        arguments=(
            command.Argument("name", "name of the cluster"),
            command.Argument("endpoint", "URL of the Kubernetes API"),
        ),
        flags=_FLAGS,
        example=f"talosctl {path} my-cluster https://10.5.0.2:6443 --with-secrets secrets.yaml",
    )


_DESCRIPTION = """Write configurations for control planes and workers, and a talosconfig.

The endpoint is where clients reach the Kubernetes API: a balancer in front of the control planes, or with a single
control plane its address and port 6443."""
_FLAGS = (
    command.Flag("output", "folder; for a single output type a file, or - for stdout", "o", metavar="PATH"),
    command.Flag("output-dir", "folder for the files", hidden=True),
    command.Flag("output-types", f"what to write (default {','.join(OUTPUTS)})", "t", kind="strings"),
    command.Flag("with-secrets", "secrets made by `gen secrets` instead of new ones", metavar="FILE"),
    command.Flag("config-patch", "patch for all machines: text or @file", kind="array"),
    command.Flag("config-patch-control-plane", "patch for control planes: text or @file", kind="array"),
    command.Flag("config-patch-worker", "patch for workers: text or @file", kind="array"),
    command.Flag("additional-sans", "more names of the Kubernetes API in its certificate", kind="strings"),
    command.Flag("dns-domain", "DNS domain of the cluster (default cluster.local)", default="cluster.local"),
    command.Flag("install-disk", f"disk to install to (default {_DISK})", default=_DISK),
    command.Flag("install-image", "image to install from (default: that of this release)"),
    command.Flag(
        "kubernetes-version", f"version of Kubernetes (default {versions.KUBERNETES})", default=versions.KUBERNETES
    ),
    command.Flag("talos-version", "release of Talos the configurations are for, such as v1.12 (default: this one)"),
    command.Flag("version", "version of the format", default="v1alpha1", hidden=True),
    command.Flag("registry-mirror", "mirror of a registry, HOST=URL", kind="strings"),
    command.Flag("with-cluster-discovery", "let machines find each other (default true)", kind="bool", default=True),
    command.Flag("with-kubespan", "encrypt what machines send each other with KubeSpan", kind="bool"),
    command.Flag("with-docs", "explain each key in a comment (default true)", kind="bool", default=True),
    command.Flag("with-examples", "show unset keys as commented examples (default true)", kind="bool", default=True),
    _files.FORCE,
)
