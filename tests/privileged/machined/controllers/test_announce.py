"""Neighbours learn where an address is now."""

from __future__ import annotations

import asyncio
import ipaddress
import time

import pytest
from tests import netns

from talos.linux import announce, netlink

pytestmark = [pytest.mark.needs_netns]
SHARED = "10.77.0.100"


async def _ping() -> None:
    """Make the kernel resolve the shared address."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(SHARED, 9)
    )
    transport.sendto(b"x")
    await asyncio.sleep(0.1)
    transport.close()


def _known(fd: int) -> str:
    with netlink.Route(fd) as rt:
        found = [one for one in rt.neighbours() if str(one.ip) == SHARED]
    return found[0].address if found else ""


@pytest.mark.feature("L016")
def test_a_stale_neighbour_entry_is_replaced() -> None:
    with netns.bridged(3) as (old, new, client, _):
        macs = []
        for fd in (old, new):
            with netlink.Route(fd) as rt:
                macs.append(rt.link("eth0").address)
        with netlink.Route(old) as rt:
            rt.address_add("eth0", f"{SHARED}/32")
        netns.run_inside(client, _ping)
        assert _known(client) == macs[0]
        # The old holder is gone without a word; the new one speaks up.
        with netlink.Route(old) as rt:
            rt.link_set("eth0", up=False)
        with netlink.Route(new) as rt:
            rt.address_add("eth0", f"{SHARED}/32")
        # The kernel keeps an entry for a second at least, whatever is said.
        time.sleep(1.1)
        with netlink.inside(new):
            announce.announce("eth0", macs[1], ipaddress.ip_address(SHARED))
        deadline = time.monotonic() + 5
        while _known(client) != macs[1]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
