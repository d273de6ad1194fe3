"""Links get other names in a real namespace, and lose them."""

from __future__ import annotations

import asyncio

import pytest
from tests import netns

from talos.linux import netlink
from talos.machined.controllers.network.link_alias_spec import LinkAliasSpecController
from talos.machinery.resources.network.link_alias_spec import LinkAliasSpec
from talos.testing import ctest

pytestmark = [pytest.mark.needs_netns]


def _names(fd: int) -> tuple[str, ...]:
    with netlink.Route(fd) as rt:
        found = rt.find_link("eth0")
    return found.alternative_names if found is not None else ()


async def _until(fd: int, expected: tuple[str, ...]) -> None:
    async with asyncio.timeout(5):
        while _names(fd) != expected:
            await asyncio.sleep(0.02)


@pytest.mark.feature("E144")
async def test_a_name_is_given_changed_and_taken_away() -> None:
    with netns.namespaces(1) as (fd,):
        with netlink.Route(fd) as rt:
            rt.link_add_veth("eth0", "peer")
        async with ctest.bench(LinkAliasSpecController(fd)) as b:
            await b.put(LinkAliasSpec("eth0", LinkAliasSpec.Spec(alias="lan")))
            await _until(fd, ("lan",))
            with netlink.Route(fd) as rt:
                assert rt.link("lan").name == "eth0"
            await b.put(LinkAliasSpec("eth0", LinkAliasSpec.Spec(alias="a-name-of-more-than-fifteen-letters")))
            await _until(fd, ("a-name-of-more-than-fifteen-letters",))
            # A card that goes and comes again has its name again.
            with netlink.Route(fd) as rt:
                rt.link_delete("eth0")
                rt.link_add_veth("eth0", "peer")
            await _until(fd, ("a-name-of-more-than-fifteen-letters",))
            await b.destroy(LinkAliasSpec, "eth0")
            await _until(fd, ())
