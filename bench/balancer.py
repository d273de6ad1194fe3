"""What the balancer costs: throughput of one stream, time of a new connection, memory of idle connections.

    python bench/balancer.py [--connections N] [--megabytes N]

Everything runs on loopback in this process except the load, which runs in another.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import socket
import time
from pathlib import Path

from talos.k8s.balancer import Balancer, Upstream


def _rss_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def _upstream(ready) -> None:  # type: ignore[no-untyped-def]
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 18):
            writer.write(data[:1])
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def _load(port: int, megabytes: int, results) -> None:  # type: ignore[no-untyped-def]
    begun = time.perf_counter()
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.send(b"x")
            one.recv(1)
    connect_ms = (time.perf_counter() - begun) / 300 * 1000
    block = bytes(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as one:
        begun = time.perf_counter()
        for _ in range(megabytes):
            one.sendall(block)
        one.shutdown(socket.SHUT_WR)
        while one.recv(65536):
            pass
        results.send((connect_ms, megabytes / (time.perf_counter() - begun)))


def _hold(port: int, count: int, results) -> None:  # type: ignore[no-untyped-def]
    held = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        one.send(b"x")
        one.recv(1)
        held.append(one)
    results.send(True)
    results.recv()


async def _measure(arguments: argparse.Namespace, upstream_port: int) -> None:
    one = Balancer([("127.0.0.1", 0)], [Upstream("127.0.0.1", upstream_port)])
    await one.start()
    port = one.addresses[0][1]
    loop = asyncio.get_running_loop()
    ours, theirs = multiprocessing.Pipe()
    load = multiprocessing.Process(target=_load, args=(port, arguments.megabytes, theirs))
    load.start()
    cpu = time.process_time()
    connect_ms, rate = await loop.run_in_executor(None, ours.recv)
    cpu = time.process_time() - cpu
    load.join()
    before = _rss_kib()
    hold = multiprocessing.Process(target=_hold, args=(port, arguments.connections, theirs))
    hold.start()
    await loop.run_in_executor(None, ours.recv)
    each = (_rss_kib() - before) / arguments.connections
    idle = time.process_time()
    await asyncio.sleep(3)
    idle = (time.process_time() - idle) / 3
    ours.send(True)
    hold.join()
    await one.close()
    print(f"new connection, one byte each way   {connect_ms:8.2f} ms")
    print(f"one stream                          {rate:8.0f} MB/s")
    print(f"processor time of both              {cpu:8.2f} s")
    print(f"memory per idle connection          {each:8.1f} KiB ({arguments.connections} connections)")
    print(f"idle with them                      {idle * 100:8.2f} % of a core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=400)
    parser.add_argument("--megabytes", type=int, default=512)
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    upstream = multiprocessing.Process(target=_upstream, args=(theirs,), daemon=True)
    upstream.start()
    asyncio.run(_measure(arguments, ours.recv()))
    upstream.terminate()


if __name__ == "__main__":
    main()
