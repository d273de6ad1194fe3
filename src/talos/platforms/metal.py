"""A machine of its own: the kernel argument `talos.config` says where its configuration is.

    talos.config=https://boot.example/config?id=${uuid}&m=${mac}

`${uuid}`, `${serial}`, `${mac}`, `${hostname}` and `${code}` stand for what is known of this machine; a query parameter
of one of the first names that has no value (`?uuid=`) gets it, too. `metal-iso` is the file `config.yaml` of a disk or
CD with that label. Without the argument, or with `none`, there is no configuration here.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from talos.linux import procfs
from talos.platforms import Facts, Metadata, Platform, download

KERNEL_ARGUMENT = "talos.config"
VARIABLES = ("uuid", "serial", "mac", "hostname", "code")
OAUTH_ARGUMENT = "talos.config.oauth.client_id="
_ISO = "metal-iso"
_NAMES = "|".join(VARIABLES)
_REFERENCE = re.compile(r"\$\{(" + _NAMES + r")\}|\$%7[Bb](" + _NAMES + r")%7[Dd]")
_EMPTY = re.compile(r"(?<=[?&])(" + _NAMES + r")=(?=&|$|#)")


def variables(url: str) -> list[str]:
    """Return the variables a URL asks for, each once, in order."""
    found = [one or other for one, other in _REFERENCE.findall(url)] + _EMPTY.findall(url)
    return list(dict.fromkeys(found))


def expand(url: str, values: dict[str, str]) -> str:
    """Put values in their places, quoted as URLs need it."""

    def value(name: str) -> str:
        return quote(values[name], safe=":-._~")

    url = _EMPTY.sub(lambda found: f"{found[1]}={value(found[1])}", url)
    return _REFERENCE.sub(lambda found: value(found[1] or found[2]), url)


def argument(cmdline: str, name: str) -> str:
    """Return the last value of a kernel argument, empty without it."""
    values = [word.partition("=")[2] for word in cmdline.split() if word.partition("=")[0] == name]
    return values[-1].strip('"') if values else ""


class Metal(Platform):
    """Bare metal, and virtual machines that look like it."""

    name: ClassVar[str] = "metal"
    mode: ClassVar[str] = "metal"

    def __init__(self, proc: Path = procfs.PROC, *, total_s: float = download.TOTAL_S, pause_s: float = 1.0) -> None:
        self._proc, self._total_s, self._pause_s = proc, total_s, pause_s

    async def configuration(self, facts: Facts) -> bytes | None:
        """Download from `talos.config`. Raises Temporary, Invalid, Unsupported."""
        url = argument(procfs.cmdline(self._proc), KERNEL_ARGUMENT)
        if url in ("", "none"):
            return None
        if url == _ISO:
            from talos.platforms import _labelled

            return await _labelled.configuration(total_s=self._total_s, pause_s=self._pause_s)
        url = expand(url, await _values(variables(url), facts))
        headers = await self._authorization(url, facts)
        return await download.download(url, headers=headers, total_s=self._total_s, pause_s=self._pause_s)

    async def _authorization(self, url: str, facts: Facts) -> dict[str, str]:
        """What proves that a person let this machine in, if kernel arguments ask for it. Raises Temporary, Denied."""
        cmdline = procfs.cmdline(self._proc)
        if OAUTH_ARGUMENT not in cmdline:
            return {}
        from talos.platforms import _oauth

        wanted = _oauth.client(cmdline, url)
        if wanted is None:
            return {}
        return await _oauth.authorization(wanted, await _values(wanted.variables, facts))

    async def metadata(self) -> Metadata:
        """The name the machine has."""
        return Metadata(platform=self.name, hostname=platform.node())


async def _values(names: Iterable[str], facts: Facts) -> dict[str, str]:
    return {name: await facts.value(name) for name in names}
