"""What a cluster of virtual machines has besides the request: kept in the state file under `qemu`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from talos.provision.providers.qemu.hardware import TCG, DiskSpec

KEY = "qemu"
DEFAULT_DISKS = (DiskSpec("virtio", 10 * 1024**3), DiskSpec("virtio", 6 * 1024**3))


@dataclass(frozen=True, slots=True)
class Settings:
    """`disks`: those after the first are for workers only, unless `disks_everywhere`. `image` becomes the first one.

    `firmware`: folders where UEFI firmware is looked for first. `host_names`: nodes are told theirs.
    `configure`: they are given their configuration, else it is left in the cluster's folder.
    """

    image: str
    accelerator: str = TCG
    disks: tuple[DiskSpec, ...] = DEFAULT_DISKS
    disks_everywhere: bool = False
    firmware: tuple[str, ...] = ()
    host_names: bool = True
    configure: bool = True
    cmdline: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """From a state's options. Raises KeyError, TypeError for a cluster of another provider."""
        content = options[KEY]
        return cls(
            **{
                **content,
                "disks": tuple(DiskSpec(**one) for one in content["disks"]),
                "firmware": tuple(content["firmware"]),
            }
        )

    def to_json(self) -> dict[str, Any]:
        """For the state file, in the form it has when it was read again."""
        return {
            **dataclasses.asdict(self),
            "disks": [dataclasses.asdict(one) for one in self.disks],
            "firmware": list(self.firmware),
        }
