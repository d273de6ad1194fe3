"""What a platform may have to know of the machine to ask for its configuration, as controllers find it out."""

from __future__ import annotations

import re
from pathlib import Path

from talos.base import errors
from talos.cosi import state
from talos.machinery.resources.network import hardware_address, hostname_status
from talos.machinery.resources.runtime import meta_key

TIMEOUT_S = 180.0
_DMI = Path("/sys/class/dmi/id")
_FIRST = "first"
_CODE_KEY, _UUID_KEY = "0x0b", "0x0f"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Facts:
    """See `platforms.Facts`."""

    def __init__(self, store: state.State, dmi: Path = _DMI, timeout_s: float = TIMEOUT_S) -> None:
        self._store, self._dmi, self._timeout_s = store, dmi, timeout_s

    async def value(self, name: str) -> str:
        """Return a fact, waiting for the network's. Raises TimedOut, NotFound, OSError."""
        if name == "uuid":
            return await self._uuid()
        if name == "serial":
            return (self._dmi / "product_serial").read_text().strip()
        if name == "code":
            return await self._meta(_CODE_KEY)
        if name == "mac":
            return await self._mac()
        return await self._hostname()

    async def _uuid(self) -> str:
        given = await self._meta(_UUID_KEY)
        found = given or (self._dmi / "product_uuid").read_text().strip().lower()
        if not _UUID.fullmatch(found):
            raise errors.NotFound(f"the firmware gives this machine no UUID but {found!r}")
        return found

    async def _meta(self, key: str) -> str:
        found = await state.find(self._store, meta_key.MetaKey, key)
        return found.spec.value if found is not None else ""

    async def _mac(self) -> str:
        found = await state.wait_for(
            self._store,
            hardware_address.HardwareAddress,
            _FIRST,
            lambda one: one is not None,
            timeout_s=self._timeout_s,
        )
        assert found is not None
        return found.spec.hardware_addr.lower()

    async def _hostname(self) -> str:
        found = await state.wait_for(
            self._store,
            hostname_status.HostnameStatus,
            "hostname",
            lambda one: one is not None and bool(one.spec.hostname),
            timeout_s=self._timeout_s,
        )
        assert found is not None
        return found.spec.hostname
