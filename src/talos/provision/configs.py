"""Step for the cluster's secrets and machine configs: made once, kept in the cluster's folder, never made anew.

configs/secrets.yaml        what everything else is derived from
       /controlplane.yaml   as `gen config` would write it, with the person's patches
       /worker.yaml
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from talos.base.constants import ports, versions
from talos.machinery.config import container, generate, secrets
from talos.machinery.types.machine import MachineType
from talos.pki import bundle, x509
from talos.provision import plan, services
from talos.provision.request import Request, Role
from talos.provision.state import Cluster

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as PrivateKey

FOLDER = "configs"
SECRETS_FILE = "secrets.yaml"
ADMIN_FILE = "admin.pem"
INSTALL_DISK = "install_disk"
PROVIDER_PATCHES = "provider_patches"


def endpoint(request: Request, *, balanced: bool) -> str:
    """URL of the Kubernetes API as clients outside of the nodes use it."""
    if request.endpoint:
        given = urlsplit(request.endpoint if "://" in request.endpoint else f"https://{request.endpoint}")
        return f"https://{given.hostname}:{given.port or ports.KUBERNETES_API}"
    host = request.gateway if balanced else request.control_planes[0].ip
    return f"https://{host}:{ports.KUBERNETES_API}"


def containers(request: Request, made: secrets.Bundle, options: Mapping[str, Any]) -> dict[Role, container.Container]:
    """The machine configs, patched. `install_disk` of the options is that of machines, which containers have not.

    Raises Invalid for a patch that does not fit.
    """
    balanced = bool(options.get("balanced"))
    kubernetes = str(options.get("kubernetes_version") or versions.KUBERNETES)
    names = [request.gateway, "127.0.0.1", *(node.ip for node in request.control_planes)]
    if request.endpoint:
        names.append(urlsplit(endpoint(request, balanced=balanced)).hostname or "")
    wanted = generate.GenerateInput(
        cluster_name=request.name,
        endpoint=endpoint(request, balanced=balanced),
        secrets=made,
        kubernetes_version=f"v{kubernetes.removeprefix('v')}",
        discovery_endpoint=f"http://{request.gateway}:{services.DISCOVERY_PORT}",
        allow_scheduling_on_control_planes=not request.workers,
        install_disk=str(options.get(INSTALL_DISK) or ""),
    )
    kinds = {Role.CONTROL_PLANE: MachineType.CONTROL_PLANE, Role.WORKER: MachineType.WORKER}
    found = {}
    for role, kind in kinds.items():
        given = ("patches", f"patches_{role}")
        patches = [patch for key in (f"{PROVIDER_PATCHES}_{role}", *given) for patch in options.get(key, ())]
        # trustd refuses a worker the names of a control plane; a worker is reached by its own.
        sans = tuple(names) if role is Role.CONTROL_PLANE else ()
        config = generate.generate(dataclasses.replace(wanted, additional_sans=sans), kind)
        if patches:
            from talos.machinery.config import patcher

            config = patcher.patch(config, patches)
        found[role] = config
    return found


def check_patches(request: Request, options: Mapping[str, Any]) -> None:
    """Raise Invalid for patches that do not fit, or make a config that a node would refuse. Nothing is written."""
    if not any(options.get(key) for key in ("patches", *(f"patches_{role}" for role in Role))):
        return
    from talos.machinery.config import validation

    for config in containers(request, bundle.generate(), options).values():
        validation.validate(config, validation.Mode.METAL if options.get(INSTALL_DISK) else validation.Mode.CONTAINER)


class Configs(plan.Step):
    """The files."""

    key = "configs"
    title = "secrets and machine configs"

    def __init__(self, rsa_key: Callable[[], PrivateKey] = x509.new_rsa_key) -> None:
        self._rsa_key = rsa_key

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Keep the secrets there are; the rest is derived from them."""
        await asyncio.to_thread(self._do, cluster)

    def _do(self, cluster: Cluster) -> None:
        folder = cluster.folder / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        made = load_secrets(cluster)
        if made is None:
            made = bundle.generate(rsa_key=self._rsa_key)
            _write(folder / SECRETS_FILE, made.encode())
        if admin_pair(cluster) is None:
            pair = bundle.admin_certificate(made)
            _write(folder / ADMIN_FILE, pair.crt.rstrip() + b"\n" + pair.key)
        for role, config in containers(cluster.request, made, cluster.state.options).items():
            _write(folder / f"{role}.yaml", config.encode())

    async def undo(self, cluster: Cluster) -> None:
        """Remove them."""
        shutil.rmtree(cluster.folder / FOLDER, ignore_errors=True)


def load_secrets(cluster: Cluster) -> secrets.Bundle | None:
    """The cluster's secrets; None when they were not made yet."""
    file = cluster.folder / FOLDER / SECRETS_FILE
    try:
        return secrets.Bundle.load(file.read_bytes(), name=str(file))
    except FileNotFoundError:
        return None


def admin_pair(cluster: Cluster) -> x509.KeyPair | None:
    """The administrator's certificate; None when it was not made yet."""
    try:
        blocks = x509.pem_blocks((cluster.folder / FOLDER / ADMIN_FILE).read_bytes())
    except FileNotFoundError:
        return None
    (certificate_label, certificate), (key_label, key) = blocks
    return x509.KeyPair(x509.pem_encode(certificate_label, certificate), x509.pem_encode(key_label, key))


def read_patches(given: Sequence[str]) -> list[str]:
    """Patches as given on a command line: `@file` stands for the file's content. Raises OSError."""
    return [Path(one[1:]).read_text() if one.startswith("@") else one for one in given]


def _write(file: Path, content: bytes) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    temporary.rename(file)
