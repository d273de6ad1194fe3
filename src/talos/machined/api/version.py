"""Version of machine.MachineService: what runs here and where."""

from __future__ import annotations

import platform
from typing import ClassVar

from google.protobuf import empty_pb2

from talos import platforms
from talos.base.constants import versions
from talos.machined import modes
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc

# The names Go uses, which clients compare with.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Version(Handlers):
    """Version and Hostname."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, where: platforms.Platform, mode: modes.Mode) -> None:
        self._platform = where
        self._mode = mode

    async def version(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.VersionResponse:
        """Tag, architecture, platform, features. Roles are checked on every call, so rbac is always on."""
        machine = platform.machine()
        info = machine_pb2.VersionInfo(
            tag=versions.TALOS,
            go_version=f"python{platform.python_version()}",
            os="linux",
            arch=_ARCHITECTURES.get(machine, machine),
        )
        message = machine_pb2.Version(
            version=info,
            platform=machine_pb2.PlatformInfo(name=self._platform.name, mode=self._mode.label),
            features=machine_pb2.FeaturesInfo(rbac=True),
        )
        return machine_pb2.VersionResponse(messages=[message])

    async def hostname(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.HostnameResponse:
        """Hostname the kernel has."""
        return machine_pb2.HostnameResponse(messages=[machine_pb2.Hostname(hostname=platform.node())])
