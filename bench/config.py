"""What a configuration costs: load and validate one of 20 kB, and commands from start to exit.

    python bench/config.py [--rounds N]

Commands are compared with `python3 -c pass`, which is what any Python program pays. The goal for load and validate is
15 ms; for `validate` and `gen config --with-secrets` it is 1.5 times what the original takes (72 and 85 ms).
"""

from __future__ import annotations

import argparse
import functools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from talos.machinery.config import encoder, generate, loader, validation
from talos.machinery.types.machine import MachineType
from talos.pki import bundle

SIZE = 20_000
GOAL_MS = 15.0
GOALS_MS = {"validate": 1.5 * 72, "gen config --with-secrets": 1.5 * 85}


def sample(secrets: object) -> bytes:
    """A control plane of about 20 kB: what `gen config` writes, with links and files as people add them."""
    wanted = generate.GenerateInput("bench", "https://10.5.0.2:6443", secrets)  # type: ignore[arg-type]
    text = encoder.encode(generate.generate(wanted, MachineType.CONTROL_PLANE), docs=True)
    number = 0
    while len(text) < SIZE:
        text += (
            f"---\napiVersion: v1alpha1\nkind: VLANConfig\nname: eth0.{number + 1}\nvlanID: {number + 1}\n"
            f"parent: eth0\nup: true\nmtu: 1400\naddresses:\n    - address: 10.{number}.0.2/24\nroutes:\n"
            f"    - destination: 192.168.{number}.0/24\n      gateway: 10.{number}.0.1\n      metric: 100\n"
        ).encode()
        number += 1
    return text


def median_ms(rounds: int, work: Callable[[], object]) -> float:
    """Median duration."""
    work()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1000)
    return statistics.median(found)


def cpu_ms(rounds: int, work: Callable[[], object]) -> float:
    """Median of the processor time a command takes: what it would take on a machine that does nothing else."""
    found = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    return statistics.median(found)


def own_cpu_ms(rounds: int, work: Callable[[], object]) -> float:
    """Median of the processor time of work in this process."""
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append((time.process_time() - begun) * 1000)
    return statistics.median(found)


def main() -> int:
    """Measure and print; 1 if loading is too slow. How long commands take depends too much on the machine to judge."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=20)
    rounds = arguments.parse_args().rounds
    secrets = bundle.generate()
    text = sample(secrets)
    loading = median_ms(rounds, lambda: loader.load(text))
    config = loader.load(text)
    checking = median_ms(rounds, lambda: validation.validate(config, validation.Mode.METAL))
    encoding = median_ms(rounds, lambda: encoder.encode(config))
    print(f"{len(text)} bytes: load {loading:.1f} ms, validate {checking:.1f} ms, encode {encoding:.1f} ms")
    alone = own_cpu_ms(rounds, lambda: validation.validate(loader.load(text), validation.Mode.METAL))
    print(f"load and validate: {loading + checking:.1f} ms, processor {alone:.1f} ms (goal {GOAL_MS:.0f} ms)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secrets.yaml").write_bytes(secrets.encode())
        (folder / "config.yaml").write_bytes(text)
        run = [sys.executable, "-m", "talos.talosctl.main"]
        commands = {
            "python3 -c pass": [sys.executable, "-c", "pass"],
            "validate": [*run, "validate", "-c", "config.yaml", "-m", "metal"],
            "gen config --with-secrets": [
                *run, "gen", "config", "bench", "https://10.5.0.2:6443", "--with-secrets", "secrets.yaml", "-f",
            ],
        }  # fmt: skip
        # As installed: compiled once, whatever the environment says about writing bytecode.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        options: Any = {"cwd": folder, "check": True, "capture_output": True, "env": environment}
        base = base_cpu = 0.0
        for title, command in commands.items():
            work = functools.partial(subprocess.run, command, **options)
            taken, cpu = median_ms(rounds, work), cpu_ms(rounds, work)
            base, base_cpu = base or taken, base_cpu or cpu
            goal = f", goal {GOALS_MS[title]:.0f} ms" if title in GOALS_MS else ""
            ratio = f"{taken / base:.1f} and {cpu / base_cpu:.1f} times python3 -c pass"
            print(f"{title}: {taken:.0f} ms, processor {cpu:.0f} ms: {ratio}{goal}")
    return int(alone > GOAL_MS)


if __name__ == "__main__":
    sys.exit(main())
