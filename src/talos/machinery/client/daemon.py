"""The frame of a daemon that lives on the node's resources: apid and trustd."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from talos.machinery.client import remote_state
from talos.machinery.rpc import channel

Body = Callable[[remote_state.RemoteState], Coroutine[None, None, None]]


async def serve(socket: Path, body: Body) -> None:
    """Run `body` over the state behind the socket of machined until SIGTERM or SIGINT."""
    made = channel.Channel.unix(socket)
    running = asyncio.ensure_future(body(remote_state.RemoteState(made)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    made.close()


def main(socket: Path, body: Body) -> int:
    """Entry point of the process: logs go to stdout, which the supervisor keeps."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s %(message)s")
    asyncio.run(serve(socket, body))
    return 0
