"""What the nodes of a segment are answered, read back with the node's own client code."""

from __future__ import annotations

import ipaddress

import pytest

from talos.linux import dhcp4
from talos.linux.dhcp4 import Message
from talos.provision.providers.qemu import dhcp

MAC = bytes.fromhex("02420a050003")
SCOPE = dhcp.Scope("10.5.0.0/24", "10.5.0.1", 1400, {"02:42:0a:05:00:03": dhcp.Host("c-worker-1", "10.5.0.3")})
SERVER = ipaddress.IPv4Address("10.5.0.1").packed
OURS = ipaddress.IPv4Address("10.5.0.3")


def asked(kind: int, *, mac: bytes = MAC, client: str = "0.0.0.0", **options: bytes) -> Message:
    numbers = {"address": 50, "server": 54}
    more = {numbers[name]: value for name, value in options.items()}
    return Message(1, 77, mac, ipaddress.IPv4Address(client), options={53: bytes([kind]), **more})


def reply(message: Message) -> Message | None:
    """Over the wire and back."""
    answer = dhcp.answer(SCOPE, dhcp4.decode(dhcp4.encode(message)))
    return None if answer is None else dhcp4.decode(dhcp4.encode(answer))


def test_an_offer_has_everything() -> None:
    offer = reply(asked(dhcp4.DISCOVER))
    assert offer is not None
    assert (offer.operation, offer.kind, offer.transaction, offer.hardware_address) == (2, dhcp4.OFFER, 77, MAC)
    lease = dhcp4.lease(offer)
    assert str(lease.address) == "10.5.0.3/24"
    assert [str(one) for one in (*lease.gateways, *lease.dns, lease.server)] == ["10.5.0.1"] * 3
    assert (lease.hostname, lease.mtu, lease.lease_s) == ("c-worker-1", 1400, dhcp.LEASE_S)
    assert 0 < lease.renew_s < lease.rebind_s < lease.lease_s


@pytest.mark.parametrize(
    "message",
    [
        asked(dhcp4.REQUEST, address=OURS.packed, server=SERVER),
        asked(dhcp4.REQUEST, address=OURS.packed),
        asked(dhcp4.REQUEST, client="10.5.0.3"),
    ],
    ids=["selecting", "after a reboot", "renewing"],
)
def test_a_request_for_its_address_is_granted(message: Message) -> None:
    granted = reply(message)
    assert granted is not None
    assert granted.kind == dhcp4.ACK
    assert dhcp4.lease(granted).address.ip == OURS


def test_a_request_for_another_address_is_refused() -> None:
    refused = reply(asked(dhcp4.REQUEST, address=ipaddress.IPv4Address("10.5.0.9").packed))
    assert refused is not None
    assert refused.kind == dhcp4.NAK
    assert refused.yours == ipaddress.IPv4Address(0)


@pytest.mark.parametrize(
    "message",
    [
        asked(dhcp4.DISCOVER, mac=bytes.fromhex("02420a050004")),
        asked(dhcp4.REQUEST, address=OURS.packed, server=ipaddress.IPv4Address("10.5.0.2").packed),
        asked(dhcp4.RELEASE, client="10.5.0.3"),
        Message(2, 77, MAC, options={53: bytes([dhcp4.OFFER])}),
    ],
    ids=["a stranger", "another server's", "a release", "an answer"],
)
def test_what_is_not_ours_gets_no_answer(message: Message) -> None:
    assert reply(message) is None


def test_names_can_be_kept_back() -> None:
    silent = dhcp.Scope(SCOPE.cidr, SCOPE.gateway, SCOPE.mtu, SCOPE.hosts, host_names=False)
    answer = dhcp.answer(silent, asked(dhcp4.DISCOVER))
    assert answer is not None
    assert dhcp4.lease(answer).hostname == ""
