"""What an expression may use in each place of a configuration: variables with their types, constants, functions.

Names and types are those of the original (pkg/machinery/cel/celenv); fields of `disk`, `volume` and `link` are those of
the messages `talos.resource.definitions.block.DiskSpec`, `…DiscoveredVolumeSpec` and `…network.LinkStatusSpec`. A test
compares the tables with the messages, which are too slow to load for this alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from talos.machinery.cel import functions, kinds
from talos.machinery.cel.syntax import Unsigned

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"), ("kB", "MB", "GB", "TB", "PB", "EB")
# Numbers of RuntimeQoSCgroupClass of the original.
CLASSES = ("Besteffort", "Burstable", "Guaranteed", "Podruntime", "System")

_DISK = """size:uint io_size:uint sector_size:uint readonly:bool model:string serial:string modalias:string wwid:string
    bus_path:string sub_system:string transport:string rotational:bool cdrom:bool dev_path:string pretty_size:string
    secondary_disks:list(string) uuid:string symlinks:list(string) firmware_version:string"""
_VOLUME = """size:uint sector_size:uint io_size:uint name:string uuid:string label:string block_size:uint
    filesystem_block_size:uint probed_size:uint partition_uuid:string partition_type:string partition_label:string
    partition_index:uint type:string device_path:string parent:string dev_path:string parent_dev_path:string
    pretty_size:string offset:uint"""
_LINK = """index:uint type:int link_index:uint flags:uint hardware_addr:bytes broadcast_addr:bytes mtu:uint
    queue_disc:string master_index:uint operational_state:int kind:string slave_kind:string bus_path:string pciid:string
    driver:string driver_version:string firmware_version:string product_id:string vendor_id:string product:string
    vendor:string link_state:bool speed_megabits:int port:int duplex:int vlan:m.VLANSpec
    bridge_master:m.BridgeMasterSpec bond_master:m.BondMasterSpec wireguard:m.WireguardSpec permanent_addr:bytes
    alias:string alt_names:list(string)
    vrf_master:m.VRFMasterSpec veth:m.VethSpec"""
_BOND = """mode:int hash_policy:int lacp_rate:int arp_validate:int arp_all_targets:int primary_index:uint
    primary_reselect:int fail_over_mac:int ad_select:int mii_mon:uint up_delay:uint down_delay:uint arp_interval:uint
    resend_igmp:uint min_links:uint lp_interval:uint packets_per_slave:uint num_peer_notif:uint tlb_dynamic_lb:uint
    all_slaves_active:uint use_carrier:bool ad_actor_sys_prio:uint ad_user_port_key:uint peer_notify_delay:uint
    adlacp_active:int missed_max:uint primary:string"""
_MESSAGES = {
    "m.DiskSpec": _DISK,
    "m.DiscoveredVolumeSpec": _VOLUME,
    "m.LinkStatusSpec": _LINK,
    "m.BondMasterSpec": _BOND,
    "m.VLANSpec": "vid:uint protocol:int",
    "m.BridgeMasterSpec": "stp:m.STPSpec vlan:m.BridgeVLANSpec",
    "m.STPSpec": "enabled:bool",
    "m.BridgeVLANSpec": "filtering_enabled:bool",
    "m.VRFMasterSpec": "table:int",
    "m.VethSpec": "peer_name:string",
    "m.WireguardSpec": "private_key:string public_key:string listen_port:int firewall_mark:int",
}


class Environment(NamedTuple):
    """What is there for an expression, and the type its value has to have."""

    name: str
    result: kinds.Kind
    variables: Mapping[str, kinds.Kind]
    constants: Mapping[str, tuple[kinds.Kind, Any]]
    functions: Mapping[str, tuple[functions.Overload, ...]]
    messages: Mapping[str, Mapping[str, kinds.Kind]]
    optionals: bool = False

    def converter(self, kind: kinds.Kind) -> Callable[[Any], Any]:
        """How a value of the program becomes one of the language."""
        return _CONVERTERS.get(kind.name, _plain)


def _plain(value: Any) -> Any:
    return value


def _whole(value: Any) -> int:
    """Words of the kernel are numbers in expressions."""
    return int(getattr(value, "number", value))


def _unsigned(value: Any) -> Unsigned:
    if isinstance(value, str):
        from talos.machinery.resources import _codec

        return Unsigned(_codec.flags_to_number(value, _codec.LINK_FLAGS))
    return Unsigned(_whole(value or 0))


def _bytes(value: Any) -> bytes:
    return bytes.fromhex(value.replace(":", "")) if isinstance(value, str) else bytes(value)


def _optional(value: Any) -> functions.Optional:
    if isinstance(value, functions.Optional):
        return value
    return functions.NOTHING if value is None else functions.Optional(True, Unsigned(value))


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "uint": _unsigned,
    "int": _whole,
    "double": float,
    "bytes": _bytes,
    "list": list,
    "map": dict,
    "optional": _optional,
}


def _fields(text: str) -> dict[str, kinds.Kind]:
    return {name: kinds.read(kind) for name, _, kind in (word.partition(":") for word in text.split())}


def _sizes() -> dict[str, tuple[kinds.Kind, Any]]:
    return {
        unit: (kinds.UINT, Unsigned(base**power))
        for base, units in zip((1024, 1000), _UNITS, strict=True)
        for power, unit in enumerate(units, 1)
    }


def _classes() -> dict[str, tuple[kinds.Kind, Any]]:
    return {name: (kinds.INT, number) for number, name in enumerate(CLASSES)}


def _make(
    name: str,
    variables: str,
    *,
    result: kinds.Kind = kinds.BOOL,
    sizes: bool = True,
    classes: bool = False,
    more: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (),
) -> Environment:
    known = dict(functions.STANDARD)
    for function, takes, gives, run in more:
        known[function] = (functions.overload(takes, gives, run),)
    if classes:
        known.update(functions.OPTIONALS)
    messages = {title: _fields(text) for title, text in _MESSAGES.items()}
    constants = (_sizes() if sizes else {}) | (_classes() if classes else {})
    return Environment(name, result, _fields(variables), constants, known, messages, classes)


_GLOB = ("glob", "string string", "bool", functions.glob)


@functools.cache
def disk() -> Environment:
    """Selectors of disks: `disk` (the spec of a Disk) and `system_disk` (bool)."""
    return _make("disk", "disk:m.DiskSpec system_disk:bool", more=(_GLOB,))


@functools.cache
def volume() -> Environment:
    """Selectors of volumes: `volume` (the spec of a DiscoveredVolume), `disk` it is on, and `system_disk` (bool)."""
    return _make("volume", "volume:m.DiscoveredVolumeSpec disk:m.DiskSpec system_disk:bool", more=(_GLOB,))


@functools.cache
def link() -> Environment:
    """Selectors of links: `link` (the spec of a LinkStatus)."""
    hardware = ("mac", "bytes", "string", functions.mac)
    return _make("link", "link:m.LinkStatusSpec", sizes=False, more=(_GLOB, hardware))


@functools.cache
def oom_trigger() -> Environment:
    """Whether memory runs out: pressure of memory and its changes (`d_…`), also for each class (`qos_…`)."""
    windows = ("avg10", "avg60", "avg300", "total")
    pressure = [f"memory_{kind}_{window}" for kind in ("some", "full") for window in windows]
    usage = ["memory_current", "memory_peak", "memory_max"]
    words = [f"{change}{name}:double" for change in ("", "d_") for name in pressure]
    words += [f"{change}qos_{name}:map(int,double)" for change in ("", "d_") for name in (*pressure, *usage)]
    vectors = ("multiply_qos_vectors", "map(dyn,double) map(dyn,double)", "double", functions.multiply_qos_vectors)
    return _make("oom trigger", " ".join((*words, "time_since_trigger:duration")), classes=True, more=(vectors,))


@functools.cache
def oom_ranking() -> Environment:
    """How good a victim a control group is: optional `memory_max`, `…_current`, `…_peak`, `path`, `class`."""
    figures = " ".join(f"memory_{name}:optional(uint)" for name in ("max", "current", "peak"))
    return _make("oom ranking", f"{figures} path:string class:int", result=kinds.DOUBLE, classes=True)


BY_NAME: dict[str, Callable[[], Environment]] = {
    "disk": disk,
    "volume": volume,
    "link": link,
    "oom-trigger": oom_trigger,
    "oom-ranking": oom_ranking,
}
