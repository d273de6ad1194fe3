"""Controllers that follow objects of the Kubernetes API beside their inputs.

The watch lives in a task of its own that is replaced when the kubeconfig or the object changes; what it saw last is
read by reconcile, which it wakes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable

from talos.base import errors, tasks
from talos.cosi import controller
from talos.k8s import client as kubernetes
from talos.k8s.encode import Object

_RETRY_FIRST_S = 0.5
_RETRY_MAX_S = 10.0


class Follower:
    """Keeps the objects of one collection as the API server last told them."""

    def __init__(self, kind: kubernetes.Kind, namespace: str = "", *, labels: str = "", fields: str = "") -> None:
        self._kind, self._namespace, self._labels, self._fields = kind, namespace, labels, fields
        self._task: asyncio.Task[None] | None = None
        self._key: Hashable = None
        self.objects: dict[tuple[str, str], Object] = {}
        self.synced = False

    def select(self, *, labels: str = "", fields: str = "") -> None:
        """Change what is followed; takes effect with the next `follow` under another key."""
        self._labels, self._fields = labels, fields

    async def follow(
        self, owner: tasks.Owner, r: controller.Handle, key: Hashable, connect: Callable[[], kubernetes.Client]
    ) -> None:
        """Follow with a client made by `connect`; a key equal to the last one changes nothing."""
        if key == self._key and self._task is not None and not self._task.done():
            return
        await self.stop()
        self._key = key
        self._task = owner.spawn(self._run(r, connect), "follow")

    async def stop(self) -> None:
        """Follow nothing and forget what was seen."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._task, self._key, self.synced = None, None, False
        self.objects.clear()

    async def _run(self, r: controller.Handle, connect: Callable[[], kubernetes.Client]) -> None:
        failures = 0
        while True:
            try:
                async with connect() as api:
                    await self._watch(r, api)
            except (OSError, TimeoutError, EOFError, errors.TalosError) as error:
                r.log.debug("watch of %s: %s", self._kind.plural, error)
            failures = 0 if self.synced else failures + 1
            self.synced = False
            pause_s = min(_RETRY_FIRST_S * 2 ** min(failures, 10), _RETRY_MAX_S)
            await asyncio.sleep(pause_s * random.uniform(0.75, 1.25))

    async def _watch(self, r: controller.Handle, api: kubernetes.Client) -> None:
        fresh: dict[tuple[str, str], Object] | None = None
        watch = api.watch(self._kind, self._namespace, labels=self._labels, fields=self._fields)
        async for event in watch:
            target = self.objects if fresh is None else fresh
            match event.change:
                case kubernetes.Change.RESET:
                    fresh = {}
                    continue
                case kubernetes.Change.SYNCED:
                    self.objects, fresh, self.synced = target, None, True
                case kubernetes.Change.DELETED:
                    target.pop(_identity(event.object), None)
                case _:
                    target[_identity(event.object)] = event.object
            if fresh is None:
                r.wake()


def _identity(obj: Object) -> tuple[str, str]:
    return str(obj["metadata"].get("namespace", "")), str(obj["metadata"]["name"])
