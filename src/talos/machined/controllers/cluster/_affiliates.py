"""Affiliates between resource and discovery message, and how several views of one node are merged. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import msgspec

from talos.machined.controllers.cluster import _affiliate_codec as codec
from talos.machinery.api._generated.discovery import affiliate_pb2
from talos.machinery.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliateSpec
from talos.machinery.types.machine import MachineType

RAW_NAMESPACE = "cluster-raw"
_MACHINE_TYPES = {str(one): one for one in MachineType}


def endpoint_text(endpoint: codec.Endpoint) -> str:
    """`10.0.0.1:51820` or `[fd00::1]:51820`."""
    ip, port = endpoint
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"


def endpoint_of(text: str) -> codec.Endpoint:
    """The reverse of `endpoint_text`. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return ipaddress.ip_address(host.strip("[]")), int(port)


def _prefix_message(text: str) -> affiliate_pb2.IPPrefix:
    interface = ipaddress.ip_interface(text)
    return affiliate_pb2.IPPrefix(ip=interface.ip.packed, bits=interface.network.prefixlen)


def _prefix_text(message: affiliate_pb2.IPPrefix) -> str:
    return f"{ipaddress.ip_address(message.ip)}/{message.bits}"


def to_message(spec: Affiliate.Spec) -> affiliate_pb2.Affiliate:
    """What is published of an affiliate; its KubeSpan endpoints travel beside it."""
    message = affiliate_pb2.Affiliate(
        node_id=spec.node_id,
        addresses=[ipaddress.ip_address(one).packed for one in spec.addresses],
        hostname=spec.hostname,
        nodename=spec.nodename,
        machine_type=str(spec.machine_type),
        operating_system=spec.operating_system,
    )
    span = spec.kube_span
    if span.public_key:
        message.kubespan.public_key = span.public_key
        message.kubespan.address = ipaddress.ip_address(span.address).packed if span.address else b""
        message.kubespan.additional_addresses.extend(_prefix_message(one) for one in span.additional_addresses)
        message.kubespan.exclude_advertised_addresses.extend(
            _prefix_message(one) for one in span.exclude_advertised_networks
        )
    if spec.control_plane is not None:
        message.control_plane.api_server_port = spec.control_plane.api_server_port
    return message


def from_message(message: affiliate_pb2.Affiliate, endpoints: Iterable[codec.Endpoint]) -> Affiliate.Spec:
    """The affiliate another node published. Raises ValueError for addresses that are none."""
    span = KubeSpanAffiliateSpec()
    if message.HasField("kubespan"):
        kubespan = message.kubespan
        span = KubeSpanAffiliateSpec(
            public_key=kubespan.public_key,
            address=str(ipaddress.ip_address(kubespan.address)) if kubespan.address else "",
            additional_addresses=tuple(_prefix_text(one) for one in kubespan.additional_addresses),
            endpoints=tuple(endpoint_text(one) for one in endpoints),
            exclude_advertised_networks=tuple(_prefix_text(one) for one in kubespan.exclude_advertised_addresses),
        )
    control_plane = None
    if message.HasField("control_plane"):
        control_plane = ControlPlane(api_server_port=message.control_plane.api_server_port)
    return Affiliate.Spec(
        node_id=message.node_id,
        addresses=tuple(str(ipaddress.ip_address(one)) for one in message.addresses),
        hostname=message.hostname,
        nodename=message.nodename,
        operating_system=message.operating_system,
        machine_type=_MACHINE_TYPES.get(message.machine_type, MachineType.UNKNOWN),
        kube_span=span,
        control_plane=control_plane,
    )


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def merge(first: Affiliate.Spec, second: Affiliate.Spec) -> Affiliate.Spec:
    """Two views of one node: lists add up, `second` fills and overrides what it knows."""
    span = first.kube_span
    other = second.kube_span
    return Affiliate.Spec(
        node_id=second.node_id or first.node_id,
        addresses=_union(first.addresses, second.addresses),
        hostname=second.hostname or first.hostname,
        nodename=second.nodename or first.nodename,
        operating_system=second.operating_system or first.operating_system,
        machine_type=first.machine_type if second.machine_type is MachineType.UNKNOWN else second.machine_type,
        kube_span=msgspec.structs.replace(
            span,
            public_key=other.public_key or span.public_key,
            address=other.address or span.address,
            additional_addresses=_union(span.additional_addresses, other.additional_addresses),
            endpoints=_union(span.endpoints, other.endpoints),
            exclude_advertised_networks=_union(span.exclude_advertised_networks, other.exclude_advertised_networks),
        ),
        control_plane=second.control_plane or first.control_plane,
    )
