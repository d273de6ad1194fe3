"""Network namespaces for tests: kept alive by a descriptor only, so nothing is left behind when a test dies."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from talos.linux import netlink

CLONE_NEWNET = 0x40000000
T = TypeVar("T")


def make() -> int:
    """Descriptor of a new network namespace; closing it (and its sockets) ends the namespace."""
    found: list[int] = []

    def enter() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
            found.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if not found:
        raise OSError("unshare(CLONE_NEWNET) is refused")
    return found[0]


@contextmanager
def namespaces(count: int) -> Iterator[list[int]]:
    """`count` namespaces with `lo` up."""
    made = [make() for _ in range(count)]
    try:
        for fd in made:
            with netlink.Route(fd) as rt:
                rt.link_set("lo", up=True)
        yield made
    finally:
        for fd in made:
            os.close(fd)


@contextmanager
def bridged(count: int, network: str = "10.77.0") -> Iterator[list[int]]:
    """`count` namespaces on one bridge; member i (from 0) has `eth0` with `<network>.<i + 2>/24`.

    The bridge lives in a further namespace (the last of the list) with `<network>.1/24`.
    """
    with namespaces(count + 1) as made:
        *members, hub = made
        with netlink.Route(hub) as rt:
            rt.link_add_bridge("br0", up=True)
            rt.address_add("br0", f"{network}.1/24")
            for i, member in enumerate(members):
                rt.link_add_veth(f"v{i}", "eth0", peer_settings={"netns_fd": member}, master="br0", up=True)
                with netlink.Route(member) as inner:
                    inner.link_set("eth0", up=True)
                    inner.address_add("eth0", f"{network}.{i + 2}/24")
        yield made


def run_inside(fd: int, main: Callable[[], Coroutine[Any, Any, T]], *, timeout_s: float = 60.0) -> T:
    """Run an asyncio program in a thread that lives in the namespace (namespaces belong to threads)."""

    def body() -> T:
        async def limited() -> T:
            async with asyncio.timeout(timeout_s):
                return await main()

        with netlink.inside(fd):
            return asyncio.run(limited())

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(body).result()
