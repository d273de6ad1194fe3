"""talosctl pcap."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session, single

if TYPE_CHECKING:
    from talos.machinery.api._generated.machine import machine_pb2

_INSTRUCTION = re.compile(
    r"\{\s*(0x[0-9a-f]+|\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(0x[0-9a-f]+|\d+)\s*\},?", re.IGNORECASE
)


def instructions(text: str) -> list[machine_pb2.BPFInstruction]:
    """Parse what `tcpdump -dd` prints. Raises Invalid."""
    from talos.machinery.api._generated.machine import machine_pb2

    if text.strip() and "{" not in text:
        raise errors.Invalid(
            f"--bpf-filter takes a compiled filter, not an expression; compile it for the link type of the interface: "
            f'--bpf-filter "$(tcpdump -dd -y EN10MB {text.strip()!r})" (RAW for WireGuard and other tunnels)'
        )
    made = []
    for line in filter(None, (one.strip() for one in text.splitlines())):
        found = _INSTRUCTION.fullmatch(line)
        if found is None:
            raise errors.Invalid(f"--bpf-filter: {line!r} is no instruction of the form {{ 0x28, 0, 0, 0x0000000c }},")
        op, true, false, k = (int(number, 0) for number in found.groups())
        if op > 0xFFFF or true > 0xFF or false > 0xFF or k > 0xFFFFFFFF:
            raise errors.Invalid(f"--bpf-filter: {line!r} has a number out of range")
        made.append(machine_pb2.BPFInstruction(op=op, jt=true, jf=false, k=k))
    return made


def _line(packet: Any) -> str:
    from talos.talosctl import packets

    at = datetime.datetime.fromtimestamp(packet.at).astimezone()
    return f"{at:%H:%M:%S.%f} {packets.describe(packet)}"


async def _show(stream: AsyncIterator[Any]) -> None:
    from talos.talosctl import packets

    reader = packets.Reader()
    async for message in stream:
        for packet in reader.add(message.bytes):
            print(_line(packet))
        sys.stdout.flush()


async def _save(stream: AsyncIterator[Any], sink: BinaryIO) -> None:
    async for message in stream:
        sink.write(message.bytes)
        sink.flush()


async def _until_over(session: Session, node: str, args: argparse.Namespace) -> None:
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.PacketCaptureRequest(
        interface=args.interface, promiscuous=args.promiscuous, snap_len=args.snaplen,
        bpf_filter=instructions(args.bpf_filter),
    )  # fmt: skip
    stream = session.stream("/machine.MachineService/PacketCapture", request, node=node)
    if not args.output:
        await _show(stream)
    elif args.output == "-":
        await _save(stream, sys.stdout.buffer)
    else:
        with Path(args.output).open("wb") as sink:
            await _save(stream, sink)


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Capture packets until interrupted, or for a while."""
    import asyncio

    node = single(session.nodes, "pcap")
    if args.output == "-" and sys.stdout.isatty():
        raise errors.Invalid("a capture is no text: write it to a file, or leave --output out to read the packets here")
    if args.output and args.output != "-":
        output.say(f"capturing {args.interface} of {node} to {args.output}, stop with Ctrl-C")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(args.duration.total_seconds() if args.duration else None):
            await _until_over(session, node, args)
    return None


COMMAND = command.Command(
    path="pcap",
    help="capture packets of a node",
    run=run,
    aliases=("tcpdump",),
    flags=(
        command.Flag("interface", "interface to capture", short="i", default="eth0"),
        command.Flag("output", "file for the capture, - for stdout (default: tell each packet in a line)", short="o"),
        command.Flag("bpf-filter", "filter, as `tcpdump -dd` prints it"),
        command.Flag("duration", "how long to capture (default: until interrupted)", kind="duration"),
        command.Flag("promiscuous", "also packets for others", kind="bool"),
        command.Flag("snaplen", "bytes of each packet to keep", short="s", kind="int", default=65536, hidden=True),
    ),
    example="talosctl pcap -i eth0 --bpf-filter \"$(tcpdump -dd -y EN10MB 'tcp and not port 50000')\" -o eth0.pcap",
)
