"""An address that one control plane node at a time holds: whoever is elected in etcd gives it to its link.

The holder announces the address to the neighbours several times, because single packets get lost. It lets go when it
has not heard from etcd for the term of its lease: then another one may hold the address already.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from talos.base import errors
from talos.cosi import resource
from talos.linux import announce
from talos.machined.controllers.network import _merging, _texts
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.rpc import status
from talos.machinery.types import network

ELECTION = "talos:v1:vip:election:"
TERM_S = 10
ANNOUNCE_AT_S = (0.05, 0.2, 0.5, 1.0, 3.0, 10.0)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 15.0
_LAYER = network.ConfigLayer.OPERATOR


class Candidate(Protocol):
    """A client of etcd, as far as an election needs it."""

    def lead(self, name: str, *, ttl_s: int) -> AbstractAsyncContextManager[asyncio.Task[None]]:
        """Wait to be elected; yields a task that ends when leadership may be lost."""

    def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Which address, on which link."""

    link: str
    hardware_address: str
    ip: str
    gratuitous_arp: bool


class Client:
    """Takes part in the election; `changed` is called when the address comes or goes."""

    def __init__(
        self,
        settings: Settings,
        connect: Callable[[], Candidate],
        changed: Callable[[], None],
        log: logging.Logger,
    ) -> None:
        self.settings, self.held = settings, False
        self._connect, self._changed, self._log = connect, changed, log

    def specs(self) -> list[resource.Resource[Any]]:
        """The address, while this node holds it; it is alone in its network."""
        if not self.held:
            return []
        address = ipaddress.ip_address(self.settings.ip)
        spec = AddressSpec.Spec(
            address=f"{address}/{address.max_prefixlen}",
            link_name=self.settings.link,
            family=network.Family.INET4 if address.version == 4 else network.Family.INET6,
            scope=network.Scope.GLOBAL,
            flags="" if address.version == 4 else "nodad",
            announce_with_arp=self.settings.gratuitous_arp,
            config_layer=_LAYER,
        )
        id = _texts.layered(_LAYER, f"vip/{self.settings.link}/{spec.address}")
        return [AddressSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE)]

    def _set(self, held: bool) -> None:
        if held != self.held:
            self.held = held
            self._log.info("%s: the shared address %s is %s", self.settings.link, self.settings.ip, _WORDS[held])
            self._changed()

    async def run(self) -> None:
        """Until cancelled. Without etcd the address is not held, and the election is tried again."""
        pause_s, told = _FIRST_PAUSE_S, ""
        while True:
            try:
                client = self._connect()
                try:
                    async with client.lead(ELECTION + self.settings.ip, ttl_s=TERM_S) as lost:
                        pause_s, told = _FIRST_PAUSE_S, ""
                        await self._hold(lost)
                finally:
                    # First the address, then the leadership: `lead` gives it back when its block is left.
                    self._set(False)
                    client.close()
            except (errors.TalosError, OSError, status.RpcError) as error:
                if str(error) != told:
                    told = str(error)
                    self._log.info("%s: no election for %s: %s", self.settings.link, self.settings.ip, told)
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _hold(self, lost: asyncio.Task[None]) -> None:
        self._set(True)
        try:
            announcing = asyncio.ensure_future(self._announce())
            try:
                await asyncio.wait({lost})
            finally:
                announcing.cancel()
        finally:
            self._set(False)

    async def _announce(self) -> None:
        if not self.settings.gratuitous_arp:
            return
        since = 0.0
        for at in ANNOUNCE_AT_S:
            await asyncio.sleep(at - since)
            since = at
            try:
                announce.announce(
                    self.settings.link, self.settings.hardware_address, ipaddress.ip_address(self.settings.ip)
                )
            except OSError as error:
                self._log.warning("%s: %s is not announced: %s", self.settings.link, self.settings.ip, error)


_WORDS = {True: "here now", False: "given up"}
