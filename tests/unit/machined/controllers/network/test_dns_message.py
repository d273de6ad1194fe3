"""DNS bytes against dnspython as an oracle."""

from __future__ import annotations

import contextlib
import ipaddress

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos.machined.controllers.network import _dns_message as message

pytestmark = pytest.mark.feature("L019")


def wire(name: str, kind: str = "A", **options: object) -> bytes:
    return dns.message.make_query(name, kind, **options).to_wire()  # type: ignore[arg-type]


def response(query: bytes, *records: str, authority: tuple[str, ...] = (), rcode: int = 0, flags: int = 0) -> bytes:
    made = dns.message.make_response(dns.message.from_wire(query), recursion_available=True)
    made.set_rcode(dns.rcode.Rcode(rcode))
    made.flags |= flags
    for section, texts in ((made.answer, records), (made.authority, authority)):
        for text in texts:
            name, ttl, klass, kind, data = text.split(" ", 4)
            section.append(dns.rrset.from_text(name, int(ttl), klass, kind, data))
    return made.to_wire()


def test_query() -> None:
    data = wire("WWW.Example.org", "AAAA", use_edns=0, payload=1232, want_dnssec=True)
    query = message.read_query(data)
    assert (query.name, query.type, query.klass) == ("www.example.org", message.TYPE_AAAA, message.CLASS_IN)
    assert (query.edns, query.dnssec, query.udp_bytes) == (True, True, 1232)
    assert message.read_query(wire("a.b")).udp_bytes == 512
    assert message.read_query(wire("A.B")).key == message.read_query(wire("a.b")).key
    assert message.read_query(wire("a.b")).key != message.read_query(data).key


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 11,
        response(wire("a.b")),
        wire("a.b")[:-1],
        wire("a.b")[:12] + b"\xc0\x0c" + wire("a.b")[-4:],
        wire("a.b")[:12] + b"\x80abc",
    ],
)
def test_what_is_no_query_is_malformed(data: bytes) -> None:
    with pytest.raises(message.Malformed):
        message.read_query(data)


@given(st.binary(max_size=100))
def test_rubbish_is_malformed_or_read(data: bytes) -> None:
    with contextlib.suppress(message.Malformed):
        query = message.read_query(data)
        with contextlib.suppress(message.Malformed):
            message.read_response(data, query)
    message.format_error(data)


def test_answers_of_other_questions_are_refused() -> None:
    query = message.read_query(wire("a.b"))
    for other in (wire("a.c"), wire("a.b", "AAAA")):
        with pytest.raises(message.Malformed, match="another question"):
            message.read_response(response(other), query)
    assert message.read_response(response(wire("A.b")), query).answers == 0


@pytest.mark.parametrize(
    ("records", "authority", "rcode", "flags", "life"),
    [
        (("a.b. 300 IN CNAME c.d.", "c.d. 60 IN A 192.0.2.1"), (), 0, 0, 60),
        (("a.b. 0 IN A 192.0.2.1",), (), 0, 0, 1),
        (("a.b. 999999 IN A 192.0.2.1",), (), 0, 0, 3600),
        ((), ("b. 900 IN SOA ns.b. host.b. 1 2 3 4 30",), 3, 0, 30),
        ((), ("b. 20 IN SOA ns.b. host.b. 1 2 3 4 300",), 0, 0, 20),
        ((), (), 3, 0, 0),
        (("a.b. 300 IN A 192.0.2.1",), (), 2, 0, 0),
        (("a.b. 300 IN A 192.0.2.1",), (), 0, dns.flags.TC, 0),
    ],
)
def test_lifetimes(records: tuple[str, ...], authority: tuple[str, ...], rcode: int, flags: int, life: int) -> None:
    data = response(wire("a.b"), *records, authority=authority, rcode=rcode, flags=flags)
    read = message.read_response(data, message.read_query(wire("a.b")))
    assert message.lifetime_s(read, minimum_s=1, maximum_s=3600) == life


def test_kept_answers_age_and_take_id_and_spelling_of_the_request() -> None:
    first = wire("example.org", use_edns=0)
    read = message.read_response(response(first, "example.org. 300 IN A 192.0.2.1"), message.read_query(first))
    request = dns.message.make_query("EXAMPLE.org", "A", use_edns=0)
    query = message.read_query(request.to_wire())
    assert message.same_spelling(read, query)
    aged = dns.message.from_wire(message.aged(read, query, request.to_wire(), 100))
    assert request.is_response(aged)
    assert aged.question[0].name.to_text() == "EXAMPLE.org."
    assert aged.answer[0].ttl == 200
    assert aged.edns == 0
    old = dns.message.from_wire(message.aged(read, query, request.to_wire(), 1000))
    assert old.answer[0].ttl == 1


def test_own_answers() -> None:
    request = dns.message.make_query("cp-1", "A")
    data = request.to_wire()
    query = message.read_query(data)
    found = [ipaddress.ip_address("10.5.0.2"), ipaddress.ip_address("fd00::2"), ipaddress.ip_address("10.5.0.3")]
    answer = dns.message.from_wire(message.addresses(data, query, found, 10))
    assert request.is_response(answer)
    assert answer.flags & dns.flags.AA
    assert answer.flags & dns.flags.RA
    assert (answer.answer[0].ttl, [str(one) for one in answer.answer[0]]) == (10, ["10.5.0.2", "10.5.0.3"])
    data6 = wire("cp-1", "AAAA")
    answer = dns.message.from_wire(message.addresses(data6, message.read_query(data6), found, 10))
    assert [str(one) for one in answer.answer[0]] == ["fd00::2"]
    text = wire("cp-1", "TXT")
    assert dns.message.from_wire(message.addresses(text, message.read_query(text), found, 10)).answer == []


def test_errors_and_truncation() -> None:
    data = wire("a.b")
    query = message.read_query(data)
    assert dns.message.from_wire(message.error(data, query, message.SERVFAIL)).rcode() == dns.rcode.SERVFAIL
    assert dns.message.from_wire(message.truncated(data, query), raise_on_truncation=False).flags & dns.flags.TC
    bad = data[:-1]
    answer = message.format_error(bad)
    assert answer is not None
    assert dns.message.from_wire(answer).rcode() == dns.rcode.FORMERR
    assert message.format_error(b"x") is None
    assert message.format_error(response(data)) is None
