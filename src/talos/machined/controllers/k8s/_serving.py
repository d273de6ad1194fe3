"""Whether a kubelet may have the serving certificate it asks for.

The controller manager signs requests for `kubernetes.io/kubelet-serving` but approves none, since it cannot know a
node's names. We can: the Node's addresses were written by a kubelet that proved to be that node, and only names and
addresses of this list are granted.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable
from typing import Any, Final

from talos.base import errors
from talos.k8s.encode import Object
from talos.pki import x509

SIGNER: Final = "kubernetes.io/kubelet-serving"
_USER_PREFIX: Final = "system:node:"
_USAGES: Final = ({"digital signature", "server auth"}, {"digital signature", "key encipherment", "server auth"})


def pending(csr: Object) -> bool:
    """Tell whether the request is for a kubelet's serving certificate and nobody has decided on it."""
    conditions = (csr.get("status") or {}).get("conditions") or ()
    return csr["spec"].get("signerName") == SIGNER and not conditions


def node_name(csr: Object) -> str:
    """Return the node that made the request; empty when it was not a node."""
    user = str(csr["spec"].get("username", ""))
    groups = csr["spec"].get("groups") or ()
    return user.removeprefix(_USER_PREFIX) if user.startswith(_USER_PREFIX) and "system:nodes" in groups else ""


def refusal(csr: Object, node: Object) -> str:
    """Return why the request may not be approved for the Node, or nothing if it may."""
    name = node_name(csr)
    if not name or name != node["metadata"]["name"]:
        return "it was not made by the node"
    if set(csr["spec"].get("usages") or ()) not in _USAGES:
        return "it asks for other usages than those of a server"
    try:
        request = x509.load_request(base64.b64decode(csr["spec"]["request"]))
    except (errors.Invalid, ValueError) as error:
        return str(error)
    subject = request.subject
    if subject.common_name != f"{_USER_PREFIX}{name}" or subject.organizations != ("system:nodes",):
        return "its subject is not that of the node"
    if request.ca:
        return "it asks for an authority"
    dns, addresses = _known(node)
    foreign = [n for n in subject.dns_names if n not in dns] + list(_canonical(subject.addresses) - addresses)
    if foreign:
        return f"{', '.join(sorted(foreign))} does not belong to the node"
    if not subject.dns_names and not subject.addresses:
        return "it names no address"
    return ""


def _canonical(addresses: Iterable[str]) -> set[str]:
    return {str(ipaddress.ip_address(a)) for a in addresses}


def _known(node: Object) -> tuple[set[str], set[str]]:
    dns, addresses = {str(node["metadata"]["name"])}, set()
    entries: list[Any] = (node.get("status") or {}).get("addresses") or []
    for entry in entries:
        text = str(entry.get("address", ""))
        if str(entry.get("type", "")).endswith("IP"):
            addresses |= _canonical([text])
        else:
            dns.add(text)
    return dns, addresses


def approval(csr: Object, now: str) -> Object:
    """Return the request with our approval; `now` is the time in RFC 3339."""
    condition = {
        "type": "Approved",
        "status": "True",
        "reason": "NodeAddressesMatch",
        "message": "Approved by the node's control plane: every name belongs to the node.",
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }
    return {**csr, "status": {**(csr.get("status") or {}), "conditions": [condition]}}
