"""Mutation fuzz of the configuration loader: it must refuse or accept, never raise anything but its own error.

    python bench/config_fuzz.py [--inputs N] [--seed S] [--seconds T]

Inputs are made from configurations with every kind of document: bytes are flipped, cut, doubled, swapped for tokens
that mean something in YAML, and lines are moved and indented anew. What loads is validated, redacted, written and read
back. Runs can be sliced: slices with different seeds do different things. A failure prints its input: secrets are new
in every run.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from talos.base import errors
from talos.machinery.config import container, contract, encoder, generate, loader, patcher, schema, validation
from talos.machinery.config.v1alpha1 import example
from talos.machinery.types.machine import MachineType
from talos.pki import bundle

TOKENS = (
    b": ", b"- ", b"---\n", b"...\n", b"&a ", b"*a", b"<<: *a\n", b"{", b"}", b"[", b"]", b"|\n", b">-\n", b"!!binary ",
    b"!!python/object:os.system ", b"? ", b"%YAML 1.1\n", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc3\xa9", b"'",
    b'"', b"#", b"null", b"~", b"yes", b"0x", b"1e999", b"-1", b".inf",
    b"99999999999999999999999", b"$patch: delete\n",
    b"kind: ", b"apiVersion: v1alpha1\n", b"version: v1alpha1\n", b"machine:\n", b"\r\n", b"\xe2\x80\xa8",
    b"10.0.0.0/99",
)  # fmt: skip


@dataclass(slots=True)
class Count:
    """What became of the inputs."""

    loaded: int = 0
    refused: int = 0
    valid: int = 0


def seeds() -> list[bytes]:
    """Texts to start from: each kind's example alone, and whole configurations."""
    found = [
        encoder.encode(container.Container(None, [cls.example()]))
        for kind, cls in schema.kinds().items()
        if kind != schema.LEGACY
    ]
    wanted = generate.GenerateInput("fuzz", "https://10.5.0.2:6443", bundle.generate())
    old = dataclasses.replace(wanted, contract=contract.Contract(1, 11), install_disk="/dev/vda")
    both = (MachineType.CONTROL_PLANE, MachineType.WORKER)
    found += [encoder.encode(generate.generate(one, kind)) for one in (wanted, old) for kind in both]
    found += [encoder.encode(container.Container(example.config(plane=plane))) for plane in (True, False)]
    return found


def mutated(text: bytes, choose: random.Random) -> bytes:
    """A text with one to five things done to it."""
    data = bytearray(text)
    for _ in range(choose.randint(1, 5)):
        at, length = choose.randrange(len(data) + 1), choose.choice((0, 1, 2, 8, 40))
        action = choose.randrange(6)
        if action == 0:
            data[at : at + length] = b""
        elif action == 1:
            data[at:at] = choose.choice(TOKENS)
        elif action == 2:
            data[at : at + 1] = bytes([choose.randrange(256)])
        elif action == 3:
            data[at:at] = data[at : at + length]
        else:
            data = _lines(data, choose, action)
    return bytes(data)


def _lines(data: bytearray, choose: random.Random, action: int) -> bytearray:
    lines = data.split(b"\n")
    one, other = choose.randrange(len(lines)), choose.randrange(len(lines))
    if action == 4:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        lines[one] = b" " * choose.randrange(9) + lines[one].lstrip()
    return bytearray(b"\n".join(lines))


def check(text: bytes, count: Count) -> None:
    """Load; what loads has to survive everything that is done with it. Raises what should not be raised."""
    for load in (_whole, patcher.load):
        try:
            config = load(text)
        except errors.Invalid as error:
            assert error.problems, "refused without saying why"
            count.refused += load is _whole
            continue
        if isinstance(config, container.Container):
            count.loaded += 1
            _use(config, count)


def _whole(text: bytes) -> container.Container:
    return loader.load(text, name="fuzz.yaml")


def _use(config: container.Container, count: Count) -> None:
    refused, _ = validation.check(config, validation.Mode.METAL)
    count.valid += not refused
    config.redacted().encode()
    written = encoder.encode(config)
    try:
        again = loader.load(written)
    except errors.Invalid:
        # What is missing may be written as an empty word of a fixed list; such a configuration is not valid.
        assert refused, "a valid configuration is not read back"
        return
    assert encoder.encode(again) == written, "writing is not stable"


def run(inputs: int, seed: int, seconds: float, texts: Sequence[bytes]) -> Count:
    """Try a number of inputs, or as many as fit into the time. Raises AssertionError with the input."""
    choose = random.Random(seed)
    count = Count()
    end = time.monotonic() + seconds
    for number in range(inputs):
        if time.monotonic() > end:
            break
        text = mutated(choose.choice(texts), choose)
        try:
            check(text, count)
        except Exception as error:
            raise AssertionError(f"input {number} of seed {seed}: {type(error).__name__}: {error}\n{text!r}") from error
    return count


def main() -> int:
    """Run one slice and print what became of its inputs."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=3600)
    given = arguments.parse_args()
    begun = time.monotonic()
    count = run(given.inputs, given.seed, given.seconds, seeds())
    total = count.loaded + count.refused
    print(
        f"seed {given.seed}: {total} inputs in {time.monotonic() - begun:.0f} s: {count.refused} refused, "
        f"{count.loaded} loaded, {count.valid} of them valid"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
