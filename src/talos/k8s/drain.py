"""Emptying a node: no new pods, and the ones it has moved away by the eviction API, as `kubectl drain` does.

Pods of DaemonSets come back at once and mirror pods are the node's own, so both stay; so do pods that have ended.
A PodDisruptionBudget may refuse an eviction for a while (status 429): it is asked again until the time is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from talos.base import errors
from talos.k8s import client as clients
from talos.k8s import node as nodes
from talos.k8s.encode import Object

PODS: Final = clients.Kind("/api/v1", "pods", True)
MIRROR: Final = "kubernetes.io/config.mirror"
_RETRY_S = 2.0
_POLL_S = 1.0
_MERGE = "application/merge-patch+json"

Report = Callable[[str], None]


def name_of(pod: Object) -> str:
    """`namespace/name`."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def to_evict(pods: list[Object]) -> list[Object]:
    """Return the pods that have to go."""
    return [pod for pod in pods if not _stays(pod)]


def _stays(pod: Object) -> bool:
    metadata = pod["metadata"]
    if MIRROR in (metadata.get("annotations") or {}):
        return True
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return True
    return any(o.get("kind") == "DaemonSet" and o.get("controller") for o in metadata.get("ownerReferences") or ())


async def set_schedulable(kubernetes: clients.Client, node: str, *, schedulable: bool) -> None:
    """Let the scheduler use a node or not. Raises NotFound."""
    # Null takes a field away (RFC 7386).
    body = {"spec": {"unschedulable": None if schedulable else True}}
    await kubernetes.request("PATCH", clients.NODES.path(node), body=body, content_type=_MERGE)


async def cordon_own(kubernetes: clients.Client, node: str) -> None:
    """Make a node unschedulable until it runs again; one a person has cordoned stays so for good. Raises NotFound."""
    found = await kubernetes.get(clients.NODES, node)
    if (found.get("spec") or {}).get("unschedulable"):
        return
    body = {"metadata": {"annotations": {nodes.CORDONED: "true"}}, "spec": {"unschedulable": True}}
    await kubernetes.request("PATCH", clients.NODES.path(node), body=body, content_type=_MERGE)


async def _evict(kubernetes: clients.Client, pod: Object) -> None:
    """Ask for the eviction until it is granted or the pod is gone."""
    metadata = pod["metadata"]
    names = {"name": metadata["name"], "namespace": metadata["namespace"]}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": names}
    while True:
        try:
            path = f"{PODS.path(metadata['name'], metadata['namespace'])}/eviction"
            await kubernetes.request("POST", path, body=body)
        except errors.NotFound:
            return
        except errors.Temporary:
            await asyncio.sleep(_RETRY_S)
        else:
            return


async def _until_gone(kubernetes: clients.Client, pod: Object) -> None:
    metadata = pod["metadata"]
    while True:
        try:
            found = await kubernetes.get(PODS, metadata["name"], metadata["namespace"])
        except errors.NotFound:
            return
        if found["metadata"].get("uid") != metadata.get("uid"):
            # A StatefulSet gives the next pod the same name.
            return
        await asyncio.sleep(_POLL_S)


async def drain(kubernetes: clients.Client, node: str, *, timeout_s: float, report: Report = lambda _: None) -> None:
    """Make a node unschedulable and wait until its pods are gone. Raises NotFound, TimedOut naming pods that stay."""
    await set_schedulable(kubernetes, node, schedulable=False)
    await empty(kubernetes, node, timeout_s=timeout_s, report=report)


async def empty(kubernetes: clients.Client, node: str, *, timeout_s: float, report: Report = lambda _: None) -> None:
    """Move the pods of a node away and wait until they are gone. Raises TimedOut naming pods that stay."""
    pods, _ = await kubernetes.list(PODS, fields=f"spec.nodeName={node}")
    going = to_evict(pods)
    left = {name_of(pod) for pod in going}

    async def one(pod: Object) -> None:
        await _evict(kubernetes, pod)
        await _until_gone(kubernetes, pod)
        left.discard(name_of(pod))
        report(f"pod {name_of(pod)} is gone")

    try:
        async with asyncio.timeout(timeout_s):
            results = await asyncio.gather(*(one(pod) for pod in going), return_exceptions=True)
    except TimeoutError as error:
        raise errors.TimedOut(f"node {node} still has pods after {timeout_s:g} s: {', '.join(sorted(left))}") from error
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def uncordon(kubernetes: clients.Client, node: str, *, timeout_s: float = 60.0) -> None:
    """Let the scheduler use a node again; the API server may have been on it and be late. Raises TimedOut, NotFound."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            await set_schedulable(kubernetes, node, schedulable=True)
        except (OSError, TimeoutError, errors.Temporary) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise errors.TimedOut(f"node {node} can not be uncordoned: {error}") from error
            await asyncio.sleep(_POLL_S)
        else:
            return
