"""Following single resources of a remote state, for daemons that outlive the connection to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from talos.cosi import resource, state

_RETRY_S = 0.5
_LOG = logging.getLogger("following")
_PRESENT = frozenset({state.EventType.CREATED, state.EventType.UPDATED})


async def follow(
    store: state.State, cls: type[resource.Resource[Any]], id: str, changed: Callable[[Any], Awaitable[None]]
) -> None:
    """Call `changed` with each spec of one resource, for ever; connect again when the state was away."""
    while True:
        try:
            async with store.watch(cls, id=id) as batches:
                async for events in batches:
                    for event in events:
                        if event.resource is not None and event.type in _PRESENT:
                            await changed(event.resource.spec)
        except Exception as error:
            # The state lives in another process, which may be restarted at any moment.
            _LOG.debug("watch of %s ended: %s", cls.__name__, error)
        await asyncio.sleep(_RETRY_S)
