"""The UTS namespace: host name and NIS domain name of the machine (or container)."""

from __future__ import annotations

import os
import socket
from typing import Protocol

from talos.linux import _libc


class UtsName(Protocol):
    """What a controller needs of this module."""

    def hostname(self) -> str:
        """The host name now."""

    def set_hostname(self, name: str) -> None:
        """Change the host name. Raises OSError."""

    def set_domainname(self, name: str) -> None:
        """Change the NIS domain name. Raises OSError."""


class Uts:
    """The kernel's UTS names."""

    def hostname(self) -> str:
        """The host name now."""
        return os.uname().nodename

    def set_hostname(self, name: str) -> None:
        """Change the host name. Raises OSError."""
        socket.sethostname(name)

    def set_domainname(self, name: str) -> None:
        """Change the NIS domain name. Raises OSError."""
        data = name.encode()
        _libc.check(_libc.libc.setdomainname(data, len(data)))
