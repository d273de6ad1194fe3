"""What the image commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import command

if TYPE_CHECKING:
    from talos.machinery.api._generated.common import common_pb2

FLAGS = (command.Flag("namespace", "cri (Kubernetes) or system", default="cri"),)


def instance(namespace: str) -> common_pb2.ContainerdInstance:
    """Return which containerd and namespace is meant. Raises Invalid."""
    from talos.machinery.api._generated.common import common_pb2

    numbers = {"cri": common_pb2.NS_CRI, "system": common_pb2.NS_SYSTEM}
    if namespace not in numbers:
        raise errors.Invalid(f"--namespace: expected cri or system, got {namespace!r}")
    return common_pb2.ContainerdInstance(driver=common_pb2.CRI, namespace=numbers[namespace])
