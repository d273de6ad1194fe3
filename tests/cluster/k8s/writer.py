"""A client that writes 20 objects a second: python -m tests.cluster.k8s.writer KUBECONFIG NAMESPACE SECONDS.

Prints a JSON line for each write the API server acknowledged: its number, when it was begun and when it was
acknowledged (seconds of the monotonic clock). A write is repeated until it is acknowledged; one that exists already
was written by an attempt whose answer was lost.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from talos.base import errors
from talos.k8s import client

RATE = 20
ATTEMPT_S = 5.0
PATIENCE_S = 40.0


async def write(api: client.Client, path: str, number: int) -> None:
    """Write one object, however often it takes."""
    name = f"w{number:05}"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"number": str(number)}}
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        try:
            await api.request("POST", path, body=body)
        except errors.AlreadyExists:
            break
        except (OSError, EOFError, TimeoutError, errors.TalosError):
            await asyncio.sleep(0.1)
            continue
        break
    else:
        return
    print(json.dumps({"number": number, "began": began, "acknowledged": time.monotonic()}), flush=True)


async def main(kubeconfig: str, namespace: str, seconds: float) -> None:
    """Begin a write every 50 ms, whether or not the earlier ones are through."""
    async with client.Client.from_kubeconfig(Path(kubeconfig).read_text(), timeout_s=ATTEMPT_S) as api:
        path = client.CONFIG_MAPS.path(namespace=namespace)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * RATE)):
                group.create_task(write(api, path, number))
                await asyncio.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
