"""A node in namespaces of another machine: configuration in the environment, network and files made by the starter.

USERDATA is the machine configuration in base64, TALOSSKU names the kind of instance. machined and its services do not
hand the environment on, because it holds every secret of the node.
"""

from __future__ import annotations

import base64
import binascii
import os
import platform
from collections.abc import Mapping
from typing import ClassVar

from talos.base import errors
from talos.platforms import Facts, Metadata, Platform


class Container(Platform):
    """Container mode."""

    name: ClassVar[str] = "container"
    mode: ClassVar[str] = "container"

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    async def configuration(self, facts: Facts | None = None) -> bytes | None:
        """Decode USERDATA. Raises Invalid when it is no base64."""
        encoded = self._environment.get("USERDATA", "")
        if not encoded:
            return None
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise errors.Invalid(f"USERDATA is not base64: {error}") from error

    async def metadata(self) -> Metadata:
        """Hostname of the UTS namespace, instance type from TALOSSKU."""
        return Metadata(
            platform=self.name, hostname=platform.node(), instance_type=self._environment.get("TALOSSKU", "")
        )
