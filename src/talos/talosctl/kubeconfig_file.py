"""Fetching the administrator's kubeconfig from a node."""

from __future__ import annotations

import io
import tarfile

from talos.base import errors
from talos.talosctl.session import Session


async def fetch(session: Session, node: str) -> str:
    """Return the kubeconfig a control plane node hands out. Raises NotReady, RpcError."""
    from google.protobuf import empty_pb2

    data = b"".join(
        [m.bytes async for m in session.stream("/machine.MachineService/Kubeconfig", empty_pb2.Empty(), node=node)]
    )
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                source = archive.extractfile(member)
                if source is not None:
                    return source.read().decode()
    except tarfile.TarError as error:
        raise errors.NotReady(f"{node} sent no kubeconfig: {error}") from error
    raise errors.NotReady(f"{node} sent no kubeconfig")
