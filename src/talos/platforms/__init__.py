"""Where a node runs: one file per platform, chosen by name.

A platform says how to get the machine configuration and what is known about the machine. The name comes from the kernel
argument `talos.platform`, or from the environment variable PLATFORM in container mode.
"""

from __future__ import annotations

import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from talos.base import errors
from talos.base.constants import paths
from talos.linux import procfs

KERNEL_ARGUMENT = "talos.platform"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the platform knows of the machine; empty where it knows nothing."""

    platform: str
    hostname: str = ""
    region: str = ""
    zone: str = ""
    instance_type: str = ""
    instance_id: str = ""
    provider_id: str = ""
    spot: bool = False


class Facts(Protocol):
    """What the node finds out about itself while it boots."""

    async def value(self, name: str) -> str:
        """Return uuid, serial, mac, hostname or code once it is known. Raises TimedOut."""


class Platform(ABC):
    """One platform. `name` is the wire name; `mode` one of container, cloud, metal."""

    name: ClassVar[str]
    mode: ClassVar[str]

    @abstractmethod
    async def configuration(self, facts: Facts) -> bytes | None:
        """Return the machine configuration the platform offers, None without one.

        Raises Temporary when retrying was given up, Invalid for an answer that is none.
        """

    @abstractmethod
    async def metadata(self) -> Metadata:
        """Return what is known of the machine."""


def find(name: str) -> Platform:
    """Return the platform of this name. Raises NotFound."""
    module_name = name.replace("-", "_")
    if not module_name.isidentifier():
        raise errors.NotFound(f"platform {name!r} is not known")
    try:
        module = importlib.import_module(f"{__name__}.{module_name}")
    except ModuleNotFoundError as error:
        raise errors.NotFound(f"platform {name!r} is not known") from error
    for member in vars(module).values():
        if isinstance(member, type) and issubclass(member, Platform) and member.__module__ == module.__name__:
            return member()
    raise errors.NotFound(f"platform {name!r} is not known")


def current(environment: Mapping[str, str] = os.environ) -> Platform:
    """Return the platform this node runs on. Raises NotFound."""
    if environment.get("PLATFORM") == "container" or paths.CONTAINER_MARKER.exists():
        return find("container")
    arguments = dict(word.partition("=")[::2] for word in procfs.cmdline().split())
    return find(arguments.get(KERNEL_ARGUMENT, "metal"))
