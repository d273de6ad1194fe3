"""What a cluster needs from this machine while it runs: discovery for its nodes, one address for its API servers.

One process per cluster on the gateway's address, in two halves: the keeper, which imports next to nothing, starts the
worker and starts it again when it crashes. SIGHUP makes the worker read its settings anew (a node came or went).
Discovery is in memory; nodes publish again within seconds of a restart.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from talos.linux import ns
from talos.provision.providers.namespaces import launch

SETTINGS_FILE = "services.json"
DISCOVERY_PORT = 3000
_PAUSE_FIRST_S, _PAUSE_MAX_S, _STABLE_S = 0.2, 10.0, 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`upstreams`: addresses of the control planes; no balancer is run on port 0.

    `segment`: what DHCP and DNS give out (see `providers.qemu.names`), empty where nodes need neither.
    """

    address: str
    discovery_port: int
    balancer_port: int
    upstreams: tuple[str, ...]
    segment: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file. Raises OSError, ValueError."""
        content = json.loads((folder / SETTINGS_FILE).read_text())
        return cls(**{**content, "upstreams": tuple(content["upstreams"])})

    def save(self, folder: Path) -> None:
        """Replace the file."""
        launch.write_json(folder / SETTINGS_FILE, asdict(self))


# --- the keeper


class Keeper:
    """Holds one worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pid = 0
        self._ended = False

    def run(self, report: int | None) -> int:
        """Until SIGTERM; only the first worker reports."""
        launch.Record(os.getpid(), _start_ticks(), _boot_id(), launch.RUNNING).save(self._folder)
        signal.signal(signal.SIGTERM, self._pass_on)
        signal.signal(signal.SIGINT, self._pass_on)
        signal.signal(signal.SIGHUP, self._pass_on)
        pause_s = _PAUSE_FIRST_S
        while True:
            began = time.monotonic()
            self._pid = os.fork()
            if self._pid == 0:
                _worker(self._folder, report)
            if report is not None:
                os.close(report)
            first, report = report is not None, None
            _, status = os.waitpid(self._pid, 0)
            self._pid = 0
            code = os.waitstatus_to_exitcode(status)
            stable = time.monotonic() - began > _STABLE_S
            if self._ended or code == 0 or (first and not stable and code == 1):
                return 0 if self._ended else code
            pause_s = _PAUSE_FIRST_S if stable else min(pause_s * 2, _PAUSE_MAX_S)
            sys.stderr.write(f"services: the worker ended with {code}, starting again in {pause_s:g} s\n")
            time.sleep(pause_s)

    def _pass_on(self, number: int, _: object) -> None:
        self._ended = self._ended or number != signal.SIGHUP
        if self._pid:
            os.kill(self._pid, number)
        elif self._ended:
            sys.exit(0)


def _worker(folder: Path, report: int | None) -> None:
    """In the forked child: never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        ns.end_with_parent(signal.SIGKILL)
        import asyncio

        asyncio.run(_serve(folder, report))
        code = 0
    except BaseException as error:
        if report is not None:
            with contextlib.suppress(OSError):
                os.write(report, f"services: {error or type(error).__name__}"[:4000].encode())
        sys.stderr.write(f"services: {type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


# --- the worker


async def _serve(folder: Path, report: int | None) -> None:
    import asyncio

    from talos.base import tasks
    from talos.k8s import balancer
    from talos.machinery.rpc import server
    from talos.provision import discovery

    settings = Settings.load(folder)
    loop = asyncio.get_running_loop()
    changed, stop = asyncio.Event(), False

    def end() -> None:
        nonlocal stop
        stop = True
        changed.set()

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_signal_handler(signal.SIGINT, end)
    loop.add_signal_handler(signal.SIGHUP, changed.set)

    def upstreams() -> list[balancer.Upstream]:
        return [balancer.Upstream(host, settings.balancer_port) for host in settings.upstreams]

    async with tasks.Owner("services") as owner:
        service, rpc = discovery.Service(), server.Server()
        service.install(rpc)
        await rpc.serve_tcp(settings.address, settings.discovery_port)
        owner.spawn(service.expire(), "discovery expiry")
        balanced: balancer.Balancer | None = None
        if settings.balancer_port:
            listen = [(settings.address, settings.balancer_port)]
            balanced = balancer.Balancer(listen, upstreams(), health_interval_s=5.0)
            await balanced.start()
        if settings.segment:
            from talos.provision.providers.qemu import names

            await names.serve(lambda: settings.segment, owner)
        if report is not None:
            os.write(report, b"ok")
            os.close(report)
        while not stop:
            await changed.wait()
            changed.clear()
            if not stop:
                settings = Settings.load(folder)
                if balanced is not None:
                    balanced.set_upstreams(upstreams())
        if balanced is not None:
            await balanced.close()
        await rpc.close()


def _start_ticks() -> int:
    stat = Path("/proc/self/stat").read_text()
    return int(stat[stat.rindex(")") + 2 :].split()[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def main(arguments: Sequence[str]) -> int:
    """`services FOLDER [REPORT_FD]`."""
    report = int(arguments[1]) if len(arguments) > 1 else None
    if report is not None:
        os.set_inheritable(report, False)
    return Keeper(Path(arguments[0])).run(report)
