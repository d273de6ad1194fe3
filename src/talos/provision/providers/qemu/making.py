"""What a create of virtual machines asks for and checks before anything is made."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.provision import configs
from talos.provision.providers.qemu import programs, segment, settings
from talos.provision.providers.qemu.hardware import TCG
from talos.provision.request import MIB, Request, Role

# Below that the system has no room to unpack itself.
MEMORY_MIN_BYTES = 1536 * MIB
# Emulated, the API server may need longer to start than its liveness probe waits.
_STARTS_SLOWLY = "apiVersion: v1alpha1\nkind: KubeAPIServerConfig\nstartupProbes: true\n"


@dataclass(frozen=True, slots=True)
class Machines:
    """The choices of a person, with the accelerator chosen."""

    settings: settings.Settings
    install_disk: str = "/dev/vda"

    def to_json(self) -> dict[str, Any]:
        """For the options of the state file."""
        slow = [_STARTS_SLOWLY] if self.settings.accelerator == TCG else []
        return {
            settings.KEY: self.settings.to_json(),
            configs.INSTALL_DISK: self.install_disk,
            f"{configs.PROVIDER_PATCHES}_{Role.CONTROL_PLANE}": slow,
        }

    def check(self, request: Request) -> None:
        """Raise Unsupported or Invalid naming everything that is missing or not possible with virtual machines."""
        absent = []
        if not os.access(segment.TUN, os.R_OK | os.W_OK):
            absent.append(f"{segment.TUN} (the kernel's tun driver)")
        if request.ports and shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            absent.append("the program nft (Debian package nftables), to publish ports")
        if absent:
            raise errors.Unsupported(f"this machine cannot run virtual machines; missing: {'; '.join(absent)}")
        programs.find(self.settings.firmware)
        if not Path(self.settings.image).is_file():
            raise errors.NotFound(f"no machine image at {self.settings.image}")
        if request.mounts:
            raise errors.Invalid("virtual machines see no files of this machine: --mount is for other provisioners")
        small = [one.name for one in request.nodes if one.resources.memory_bytes < MEMORY_MIN_BYTES]
        if small:
            raise errors.Invalid(f"memory of {', '.join(small)}: a virtual machine needs {MEMORY_MIN_BYTES // MIB} MiB")
        size = Path(self.settings.image).stat().st_size
        if any(one.resources.disk_bytes < size for one in request.nodes):
            raise errors.Invalid(f"the first disk has to hold the machine image, which has {size // MIB} MiB")
