"""A TCP balancer in front of several API servers: KubePrism on a node, the cluster's address at a provisioner.

Health is learned in three ways. Each upstream is dialled every `health_interval_s`. A dial for a client that is
refused marks its upstream bad at once and the next one is tried for the same client. A dial that is merely slow (a
dead machine answers nothing) is given `stagger_s`, then the next upstream is dialled beside it and the first to answer
wins; the slow one is bad until a check says otherwise. When no upstream is good the bad ones are tried too, so a
cluster that starts is reachable the moment its first API server listens.

Established connections stay where they are, also when the upstream leaves the list. What must not stay is a connection
to a machine that vanished: an HTTP/2 client would hang on it for most of a minute. An idle one is found by TCP
keep-alive. One with unacknowledged data is looked at by a timer that runs only while such data is out, and is ended
after `_SILENCE_S` without any acknowledgement. (TCP_USER_TIMEOUT would also end connections to a peer that is alive
and merely does not read, such as a paused `kubectl cp`.)

How bytes move is told in `splice`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import random
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from talos.k8s import splice

_log = logging.getLogger("talos.k8s.balancer")

_ACCEPTS_PER_TURN = 32
_MAX_CONNECTIONS = 8192
_ACCEPT_PAUSE_S = 0.5
_FIRST_RECHECK_S = 1.0
_CHECK_TIMEOUT_S = 3.0
_SILENCE_S = 3.0
_SILENCE_CHECK_S = 1.0
_LOST = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@dataclass(frozen=True, slots=True, order=True)
class Upstream:
    """Where a connection may go. `host` is an address or a name."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `host:port` or `[v6]:port`."""
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port))


@dataclass(slots=True)
class _Health:
    good: bool = True
    recheck_s: float = _FIRST_RECHECK_S
    check: asyncio.Task[None] | None = None


class Balancer:
    """Listens on addresses and spreads connections over the good upstreams.

    `listen` are (address, port) pairs; port 0 takes a free one (see `addresses`). `changed` is called after the health
    of an upstream changed.
    """

    def __init__(
        self,
        listen: Sequence[tuple[str, int]],
        upstreams: Iterable[Upstream] = (),
        *,
        health_interval_s: float = 20.0,
        connect_timeout_s: float = 15.0,
        stagger_s: float = 0.25,
        changed: Callable[[], None] | None = None,
    ) -> None:
        self._listen = tuple(listen)
        self._health: dict[Upstream, _Health] = {}
        self._health_interval_s = health_interval_s
        self._connect_timeout_s = connect_timeout_s
        self._stagger_s = stagger_s
        self._changed = changed
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows: dict[splice.Flow, Upstream] = {}
        self._unacknowledged: set[splice.Flow] = set()
        self._silence: asyncio.TimerHandle | None = None
        self._buffer = memoryview(bytearray(splice.BUFFER_BYTES))
        self._turn = random.randrange(1 << 16)
        self._wanted = tuple(upstreams)
        self._running = False

    async def start(self) -> None:
        """Listen and begin checking. OSError names the address that cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            for host, port in self._listen:
                self._listeners.append(_listening_socket(host, port))
        except OSError:
            self._close_listeners()
            raise
        self._running = True
        for listener in self._listeners:
            loop.add_reader(listener, self._accept, listener)
        self.set_upstreams(self._wanted)

    async def close(self) -> None:
        """Stop listening and end all connections."""
        self._running = False
        self._close_listeners()
        tasks = [*self._tasks, *(h.check for h in self._health.values() if h.check)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for flow in list(self._flows):
            flow.close()
        if self._silence:
            self._silence.cancel()
            self._silence = None
        self._health.clear()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens."""
        return [listener.getsockname()[:2] for listener in self._listeners]

    @property
    def healthy(self) -> bool:
        """At least one upstream is believed to answer."""
        return any(health.good for health in self._health.values())

    @property
    def connections(self) -> int:
        """Connections established through it now."""
        return len(self._flows)

    def upstreams(self) -> dict[Upstream, bool]:
        """Each upstream and whether it is believed to answer."""
        return {upstream: health.good for upstream, health in self._health.items()}

    def set_upstreams(self, upstreams: Iterable[Upstream]) -> None:
        """Replace the list; what is known about those that stay is kept."""
        self._wanted = tuple(dict.fromkeys(upstreams))
        if not self._running:
            return
        for gone in set(self._health) - set(self._wanted):
            if check := self._health.pop(gone).check:
                check.cancel()
        known = self._health
        self._health = {upstream: known.get(upstream) or _Health() for upstream in self._wanted}
        for upstream, health in self._health.items():
            if health.check is None:
                self._watch(upstream, health, 0.0)

    # health

    def _watch(self, upstream: Upstream, health: _Health, delay_s: float) -> None:
        if health.check:
            health.check.cancel()
        health.check = asyncio.create_task(self._check(upstream, health, delay_s), name=f"check {upstream}")

    async def _check(self, upstream: Upstream, health: _Health, delay_s: float) -> None:
        while True:
            await asyncio.sleep(delay_s)
            try:
                sock = await self._connect(upstream, min(self._connect_timeout_s, _CHECK_TIMEOUT_S))
            except OSError as err:
                self._mark(upstream, good=False, reason=_reason(err))
                delay_s = health.recheck_s
                health.recheck_s = min(health.recheck_s * 2, self._health_interval_s)
            else:
                sock.close()
                self._mark(upstream, good=True)
                health.recheck_s = min(_FIRST_RECHECK_S, self._health_interval_s)
                delay_s = self._health_interval_s * random.uniform(0.9, 1.0)

    def _mark(self, upstream: Upstream, *, good: bool, reason: str = "") -> None:
        health = self._health.get(upstream)
        if health is None or health.good == good:
            return
        health.good = good
        if good:
            _log.info("upstream %s answers", upstream)
        else:
            _log.warning("upstream %s does not answer: %s", upstream, reason)
        if self._changed:
            self._changed()

    def _suspect(self, upstream: Upstream, reason: str) -> None:
        """A client's dial failed: bad from now, and looked at again soon."""
        health = self._health.get(upstream)
        if health is None or not health.good:
            return
        self._mark(upstream, good=False, reason=reason)
        health.recheck_s = min(_FIRST_RECHECK_S, self._health_interval_s)
        self._watch(upstream, health, health.recheck_s)

    # clients

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                client, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as err:
                if err.errno not in _LOST:
                    raise
                _log.warning("accepting pauses: %s", err)
                loop.remove_reader(listener)
                loop.call_later(_ACCEPT_PAUSE_S, self._resume, listener)
                return
            client.setblocking(False)
            if len(self._flows) + len(self._tasks) >= _MAX_CONNECTIONS:
                client.close()
                continue
            task = loop.create_task(self._serve(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _resume(self, listener: socket.socket) -> None:
        if self._running and listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def _serve(self, client: socket.socket) -> None:
        try:
            upstream, sock = await self._dial()
        except OSError as err:
            _log.debug("no upstream for a client: %s", err)
            client.close()
            return
        except BaseException:
            client.close()
            raise
        splice.tune(client)
        flow = splice.Flow(client, sock, self._buffer, done=self._ended, sent=self._sent)
        self._flows[flow] = upstream
        flow.start()

    def _ended(self, flow: splice.Flow) -> None:
        self._flows.pop(flow, None)
        self._unacknowledged.discard(flow)

    def _sent(self, flow: splice.Flow) -> None:
        """Data went to an upstream: see to it that it is acknowledged."""
        self._unacknowledged.add(flow)
        if self._silence is None:
            self._silence = asyncio.get_running_loop().call_later(_SILENCE_CHECK_S, self._find_silent)

    def _find_silent(self) -> None:
        self._silence = None
        for flow in list(self._unacknowledged):
            silence_s = flow.silence_s()
            if silence_s is None:
                self._unacknowledged.discard(flow)
            elif silence_s >= _SILENCE_S:
                self._suspect(self._flows[flow], f"no acknowledgement for {silence_s:.0f} s")
                flow.close()
        if self._unacknowledged:
            self._silence = asyncio.get_running_loop().call_later(_SILENCE_CHECK_S, self._find_silent)

    def _order(self) -> list[Upstream]:
        """Good ones in turn, then the bad ones: they may have come back."""
        self._turn += 1
        good = [upstream for upstream, health in self._health.items() if health.good]
        bad = [upstream for upstream, health in self._health.items() if not health.good]
        at = self._turn % len(good) if good else 0
        return good[at:] + good[:at] + bad

    async def _dial(self) -> tuple[Upstream, socket.socket]:
        """A socket connected to the first upstream that answers; OSError when none does in time."""
        dials: dict[asyncio.Task[socket.socket], Upstream] = {}
        waiting = self._order()
        failure: OSError = ConnectionRefusedError(errno.ECONNREFUSED, "no upstreams are known")
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                while waiting or dials:
                    if waiting:
                        upstream = waiting.pop(0)
                        dials[asyncio.create_task(self._connect(upstream, self._connect_timeout_s))] = upstream
                    limit = self._stagger_s if waiting else None
                    done, _ = await asyncio.wait(dials, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
                    for dial in done:
                        upstream = dials.pop(dial)
                        if (err := dial.exception()) is None:
                            self._mark(upstream, good=True)
                            self._slow(dials)
                            return upstream, dial.result()
                        failure = err if isinstance(err, OSError) else OSError(str(err))
                        self._suspect(upstream, _reason(failure))
        except TimeoutError:
            self._slow(dials)
            raise
        finally:
            for dial in dials:
                dial.cancel()
                dial.add_done_callback(_close_result)
        raise failure

    def _slow(self, dials: Mapping[asyncio.Task[socket.socket], Upstream]) -> None:
        for dial, upstream in dials.items():
            if not dial.done():
                self._suspect(upstream, f"no answer within {self._stagger_s} s")

    async def _connect(self, upstream: Upstream, timeout_s: float) -> socket.socket:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout_s):
            family, address = await _resolve(loop, upstream)
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            try:
                splice.tune(sock)
                await loop.sock_connect(sock, address)
            except BaseException:
                sock.close()
                raise
        return sock

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        self._listeners.clear()


def _close_result(dial: asyncio.Task[socket.socket]) -> None:
    """A dial that won too late."""
    if not dial.cancelled() and dial.exception() is None:
        dial.result().close()


def _reason(err: OSError) -> str:
    return str(err) or "no answer in time"


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(512)
    except OSError as err:
        sock.close()
        raise OSError(err.errno, f"{err.strerror}: {Upstream(host, port)}") from err
    return sock


async def _resolve(loop: asyncio.AbstractEventLoop, upstream: Upstream) -> tuple[int, tuple[str, int]]:
    try:
        version = ipaddress.ip_address(upstream.host).version
    except ValueError:
        found = await loop.getaddrinfo(upstream.host, upstream.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        return family, (str(address[0]), int(address[1]))
    return socket.AF_INET6 if version == 6 else socket.AF_INET, (upstream.host, upstream.port)
