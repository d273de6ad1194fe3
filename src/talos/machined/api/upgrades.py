"""Installation and upgrade: machine.LifecycleService, with its progress as a stream.

The client pulls or imports the image first (machine.ImageService), calls Install or Upgrade, and reboots the node.
The last message carries an exit code as the original's installer has them: 0, or 1 with the reason in the line before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import ClassVar

from talos.base import errors
from talos.machined import quorum
from talos.machined.api import Handlers, images
from talos.machined.systems import Systems, Wish
from talos.machinery.api._generated.machine import lifecycle_pb2
from talos.machinery.rpc import server as rpc

_log = logging.getLogger("installer")
_QUEUE = 256
Say = Callable[[str], None]


class LifecycleService(Handlers):
    """Install and Upgrade."""

    service: ClassVar[str] = "machine.LifecycleService"

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def install(
        self, request: lifecycle_pb2.LifecycleServiceInstallRequest, call: rpc.Call
    ) -> AsyncIterator[lifecycle_pb2.LifecycleServiceInstallResponse]:
        """Install on a disk of a machine that has no system yet. ALREADY_EXISTS when it has."""
        self._systems.supported()
        self._systems.busy()
        disk = request.destination.disk
        if not disk:
            raise errors.Invalid("the request names no disk")
        if await asyncio.to_thread(self._systems.machine.installed):
            raise errors.AlreadyExists("a system is installed already; it can be upgraded")
        wish = _wish(request.source.image_name, request.containerd.namespace, needed=False)

        async def work(say: Say) -> None:
            found = await self._systems.obtain(wish, say)
            await self._systems.ask(found, say)
            await self._systems.install(disk, found, wipe=False, say=say)

        async for progress in self._progress(work):
            yield lifecycle_pb2.LifecycleServiceInstallResponse(progress=progress)

    async def upgrade(
        self, request: lifecycle_pb2.LifecycleServiceUpgradeRequest, call: rpc.Call
    ) -> AsyncIterator[lifecycle_pb2.LifecycleServiceUpgradeResponse]:
        """Write a system beside the present one and make it the next to boot. FAILED_PRECONDITION without one."""
        self._systems.supported()
        self._systems.busy()
        if not await asyncio.to_thread(self._systems.machine.installed):
            raise errors.NotReady("no system is installed on this machine")
        wish = _wish(request.source.image_name, request.containerd.namespace, needed=True)
        await quorum.check(force=False)

        async def work(say: Say) -> None:
            found = await self._systems.obtain(wish, say)
            await self._systems.check_room(found)
            await self._systems.ask(found, say)
            await self._systems.upgrade(found, say)

        async for progress in self._progress(work):
            yield lifecycle_pb2.LifecycleServiceUpgradeResponse(progress=progress)

    async def _progress(
        self, work: Callable[[Say], Awaitable[None]]
    ) -> AsyncIterator[lifecycle_pb2.LifecycleServiceInstallProgress]:
        """Run to the end, also when the client goes away: half an installation helps nobody."""
        lines: asyncio.Queue[str | None] = asyncio.Queue(_QUEUE)
        loop = asyncio.get_running_loop()

        def say(text: str) -> None:
            _log.info("%s", text)
            loop.call_soon_threadsafe(_offer, lines, text)

        async def guarded() -> int:
            try:
                async with self._systems.changing:
                    await work(say)
            except (errors.TalosError, OSError) as error:
                say(f"failed: {error}")
                return 1
            finally:
                loop.call_soon(_offer, lines, None)
            return 0

        task = asyncio.ensure_future(guarded())
        while (text := await lines.get()) is not None:
            yield lifecycle_pb2.LifecycleServiceInstallProgress(message=text)
        code = await asyncio.shield(task)
        yield lifecycle_pb2.LifecycleServiceInstallProgress(exit_code=code)


def _offer(lines: asyncio.Queue[str | None], text: str | None) -> None:
    if lines.full():
        lines.get_nowait()
    lines.put_nowait(text)


def _wish(image: str, namespace: int, *, needed: bool) -> Wish:
    if needed and not image:
        raise errors.Invalid("the request names no image")
    return Wish(image, images.namespace_of(namespace), pull=False)
