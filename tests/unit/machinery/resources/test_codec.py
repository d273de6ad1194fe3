"""Specs as bytes and as YAML: any spec survives, and prints as the original prints it."""

from __future__ import annotations

import datetime
import functools
import types
import typing
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from talos.base import errors
from talos.machinery.resources import _codec, _plain, registry, wire
from talos.machinery.resources.block import volume_config
from talos.machinery.resources.cluster import discovery_config
from talos.machinery.resources.files import etc_file_spec
from talos.machinery.resources.network import address_spec, ethernet_status, link_spec, link_status, route_spec
from talos.machinery.resources.perf import cpu_stat
from talos.machinery.resources.runtime import kmsg_log_config
from talos.machinery.resources.secrets import etcd_root_secret
from talos.machinery.resources.time import ntp_status
from talos.machinery.types import network, pem, url
from talos.machinery.types import wire as wires
from tests.audit import samples

TYPES = [
    "LinkSpecs.net.talos.dev", "RouteSpecs.net.talos.dev", "KubeletConfigs.kubernetes.talos.dev",
    "Affiliates.cluster.talos.dev", "NodeAddresses.net.talos.dev", "CPUStats.perf.talos.dev",
    "EtcFileSpecs.files.talos.dev", "ResolverSpecs.net.talos.dev", "KubernetesRootSecrets.secrets.talos.dev",
    "HostDNSConfigs.net.talos.dev", "MachineStatuses.runtime.talos.dev", "StaticPods.kubernetes.talos.dev",
    "AdjtimeStatuses.v1alpha1.talos.dev", "EthernetStatuses.net.talos.dev", "NfTablesChains.net.talos.dev",
    "RegistryConfigs.cri.talos.dev", "VolumeStatuses.block.talos.dev", "PlatformConfigs.net.talos.dev",
]  # fmt: skip

FREE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
IPV4 = st.ip_addresses(v=4).map(str)
IPS = IPV4 | st.ip_addresses(v=6).map(str)
TEXTS = {
    "common.NetIP": IPS,
    "common.NetIPPort": st.builds(
        lambda host, port: f"[{host}]:{port}" if ":" in host else f"{host}:{port}", IPS, st.integers(0, 65535)
    ),
    "common.NetIPPrefix": st.builds(lambda host, bits: f"{host}/{bits}", IPV4, st.integers(0, 32)),
    "common.URL": st.text("abc/:?#%", max_size=10),
}
LIMITS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}


@functools.cache
def structs(kind: type[Any], descriptor: Any) -> st.SearchStrategy[Any]:
    fields = {}
    for name, hint in samples.hints(kind).items():
        found = descriptor.fields_by_name.get(name) or descriptor.fields_by_name.get(name.rstrip("_"))
        if found is not None:
            fields[name] = values(hint, found)
    return st.builds(kind, **fields)


def values(hint: Any, found: Any) -> st.SearchStrategy[Any]:
    if isinstance(hint, types.UnionType):
        return st.none() | values(samples.strip(hint), found)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    message = found.message_type
    if origin is tuple:
        return st.lists(values(arguments[0], found), max_size=3).map(tuple)
    if origin is dict and message.GetOptions().map_entry:
        inner = values(arguments[1], message.fields_by_name["value"])
        return st.dictionaries(st.text(max_size=5), inner, max_size=3)
    if origin is dict:
        if message.full_name != "google.protobuf.Struct":
            return st.just(samples._mapping(message))
        return st.dictionaries(st.text(max_size=5), FREE, max_size=3)
    kind = samples.struct_of(hint)
    return structs(kind, message) if kind is not None else scalars(hint, found)


def scalars(hint: Any, found: Any) -> st.SearchStrategy[Any]:
    if issubclass(hint, wires.WireEnum):
        return st.sampled_from(list(hint))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        bytes: st.binary(max_size=8),
        # PyYAML does not know numbers like 1e-05, which YAML 1.2 has.
        float: st.integers(-(10**9), 10**9).map(lambda hundredths: hundredths / 100),
        datetime.timedelta: st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=10_000)),
        datetime.datetime: st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(9000, 1, 1)).map(  # noqa: DTZ001
            lambda moment: moment.replace(tzinfo=datetime.UTC)
        ),
    }
    if hint in simple:
        return simple[hint]
    if hint is int:
        return st.integers(*LIMITS[found.type])
    if found.message_type is not None:
        return TEXTS.get(found.message_type.full_name, st.text(max_size=8))
    if found.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(min_size=6, max_size=6).map(lambda raw: raw.hex(":"))
    if found.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        return st.just(samples._text(found))
    return st.text(max_size=8)


def descriptor(cls: Any) -> Any:
    found = _codec._message_class(cls.definition.message)
    assert found is not None
    return found.DESCRIPTOR


@pytest.mark.feature("D002")
@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_spec_survives_its_bytes_and_prints_as_yaml(name: str, data: st.DataObject) -> None:
    cls = registry.find(name)
    spec = data.draw(structs(cls.Spec, descriptor(cls)))
    assert _codec.decode(_codec.encode(spec, cls.definition.message), cls.definition.message, cls.Spec) == spec
    text = wire.encode(cls("id", spec)).spec.yaml_spec
    assert yaml.safe_load(text) == plain(wire.spec_data(cls("id", spec)))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def printed(spec: Any) -> str:
    return wire.yaml_text(_plain.to_plain(spec, wire.fields()))


def test_what_a_newer_peer_sends_is_kept() -> None:
    future = address_spec.AddressSpec.Spec(scope=network.Scope.received(99))
    data = _codec.encode(future, address_spec.AddressSpec.definition.message)
    found = _codec.decode(data, address_spec.AddressSpec.definition.message, address_spec.AddressSpec.Spec)
    assert found == future
    assert str(found.scope) == "Scope(99)"
    unknown_field = data + bytes([0xF8, 0x07, 0x01])
    assert _codec.decode(unknown_field, address_spec.AddressSpec.definition.message, address_spec.AddressSpec.Spec)


@pytest.mark.parametrize("broken", [b"\x00", b"\xff\xff", b"\x0a\x7fabc", b"\x0a\x03\x0a\x01\x01"])
def test_broken_bytes_are_invalid(broken: bytes) -> None:
    with pytest.raises(errors.Invalid):
        _codec.decode(broken, address_spec.AddressSpec.definition.message, address_spec.AddressSpec.Spec)


def test_zero_is_not_nothing_where_both_exist() -> None:
    message = ethernet_status.EthernetStatus.definition.message
    kind = ethernet_status.EthernetStatus.Spec
    for rings in (ethernet_status.EthernetRingsStatus(rx=0, tx_push=False), ethernet_status.EthernetRingsStatus()):
        spec = kind(rings=rings)
        assert _codec.decode(_codec.encode(spec, message), message, kind) == spec
    assert "rx: 0" in printed(ethernet_status.EthernetRingsStatus(rx=0))
    assert "rx" not in printed(ethernet_status.EthernetRingsStatus())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.timedelta(), "0s"),
        (datetime.timedelta(hours=1), "1h0m0s"),
        (datetime.timedelta(seconds=90), "1m30s"),
        (datetime.timedelta(seconds=1.5), "1.5s"),
        (datetime.timedelta(milliseconds=250), "250ms"),
        (datetime.timedelta(microseconds=7), "7µs"),
        (datetime.timedelta(seconds=-3), "-3s"),
        (datetime.timedelta(days=2, microseconds=1), "48h0m0.000001s"),
    ],
)
def test_durations_print_as_in_go(value: datetime.timedelta, text: str) -> None:
    assert _plain.format_duration(value) == text


def test_times_print_as_in_go() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 120000, datetime.UTC)
    assert _plain.format_time(moment) == "2026-01-02T03:04:05.12Z"
    assert _plain.format_time(moment.replace(microsecond=0)) == "2026-01-02T03:04:05Z"
    east = datetime.timezone(datetime.timedelta(hours=2))
    assert _plain.format_time(moment.astimezone(east)) == "2026-01-02T03:04:05.12Z"


def test_link_status_prints_as_the_original() -> None:
    spec = link_status.LinkStatus.Spec(
        index=1,
        type=network.LinkType.LOOPBCK,
        flags="UP,LOOPBACK,RUNNING,LOWER_UP",
        hardware_addr="02:42:0a:05:00:02",
        mtu=65536,
        operational_state=network.OperationalState.UNKNOWN,
        link_state=True,
        port=network.Port.TWISTED_PAIR,
        duplex=network.Duplex.UNKNOWN,
    )
    assert printed(spec) == (
        "index: 1\ntype: loopback\nlinkIndex: 0\nflags: UP,LOOPBACK,RUNNING,LOWER_UP\n"
        'hardwareAddr: 02:42:0a:05:00:02\npermanentAddr: ""\nbroadcastAddr: ""\nmtu: 65536\nqueueDisc: ""\n'
        'operationalState: unknown\nkind: ""\nslaveKind: ""\nlinkState: true\nport: TwistedPair\nduplex: Unknown\n'
    )


def test_route_spec_prints_as_the_original() -> None:
    spec = route_spec.RouteSpec.Spec(
        family=network.Family.INET4,
        gateway="10.5.0.1",
        out_link_name="eth0",
        table=network.RoutingTable.MAIN,
        priority=1024,
        scope=network.Scope.GLOBAL,
        type=network.RouteType.UNICAST,
        protocol=network.RouteProtocol.STATIC,
        config_layer=network.ConfigLayer.PLATFORM,
    )
    found = yaml.safe_load(printed(spec))
    assert found["dst"] == ""
    assert (found["table"], found["scope"], found["type"]) == ("main", "global", "unicast")
    assert (found["protocol"], found["layer"], found["gateway"]) == ("static", "platform", "10.5.0.1")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (discovery_config.DiscoveryConfig.Spec(service_encryption_key=b"\x01\xff"), "serviceEncryptionKey:\n    - 1\n"),
        (etc_file_spec.EtcFileSpec.Spec(contents=b"a\nb\n", mode=0o644), "contents: |\n    a\n    b\nmode: 420\n"),
        (
            volume_config.EncryptionKey(static_passphrase=b"secret"),
            "slot: 0\ntype: static\nstaticPassphrase: secret\n",
        ),
        (
            etcd_root_secret.EtcdRootSecret.Spec(etcd_ca=pem.CertificateAndKey(crt=b"c", key=b"k")),
            "etcdCA:\n    crt: Yw==\n    key: aw==\n",
        ),
        (cpu_stat.CPUTimes(user=1394.28), "user: 1394.28\nnice: 0\n"),
        (ntp_status.NTPStatus.Spec(), "spikeDetected: false\nconsecutiveSpikes: 0\n"),
        (kmsg_log_config.KmsgLogConfig.Spec(destinations=("tcp://h:1/",)), "destinations:\n    - scheme: tcp\n"),
        (link_spec.WireguardPeer(persistent_keepalive_interval=datetime.timedelta(seconds=25)), "25s\n"),
        (
            ethernet_status.EthernetStatus.Spec(
                features=(ethernet_status.EthernetFeatureStatus(name="tx-checksum", status="on [fixed]"),)
            ),
            "features:\n    tx-checksum: on [fixed]\n",
        ),
    ],
)  # fmt: skip
def test_irregular_forms(spec: Any, text: str) -> None:
    assert text in printed(spec)


def test_keys_of_free_mappings_are_sorted_and_those_of_structs_are_not() -> None:
    from talos.machinery.resources.runtime import environment

    assert printed(link_spec.VLANSpec(vid=3)).startswith("vlanID: 3\nvlanProtocol:")
    found = environment.Environment("x")
    assert list(yaml.safe_load(wire.encode(found).spec.yaml_spec)) == ["variables"]
    assert wire.yaml_text({"b10": 1, "b9": 2, "a": 3}) == "a: 3\nb9: 2\nb10: 1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://10.5.0.2:6443", {"scheme": "https", "host": "10.5.0.2:6443", "path": "", "user": None}),
        ("https://u:p@h/a%20b?q=1#f", {"user": {}, "host": "h", "path": "/a b", "rawquery": "q=1", "fragment": "f"}),
    ],
)
def test_urls_are_in_parts(text: str, expected: dict[str, Any]) -> None:
    found = url.parts(text)
    assert found is not None
    assert {key: found[key] for key in expected} == expected
    assert url.parts("") is None


@given(st.integers(0, 2**32 - 1))
def test_every_number_is_a_routing_table(number: int) -> None:
    table = network.RoutingTable.from_number(number)
    assert table.number == number
    assert network.RoutingTable.from_text(str(table)) is table


@pytest.mark.parametrize("flags", [0, 1, 130, 0b1111_1111_1111])
def test_flags_have_two_spellings(flags: int) -> None:
    text = _codec.flags_to_text(flags, _codec._ADDRESS_FLAGS)
    assert _codec.flags_to_number(text, _codec._ADDRESS_FLAGS) == flags
