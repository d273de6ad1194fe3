"""talosctl time."""

from __future__ import annotations

import argparse
import datetime

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Compare the nodes' clocks with an NTP server."""
    from google.protobuf import empty_pb2

    from talos.machinery.api._generated.time import time_pb2

    if args.check:
        request: empty_pb2.Empty | time_pb2.TimeRequest = time_pb2.TimeRequest(server=args.check)
        path = "/time.TimeService/TimeCheck"
    else:
        request, path = empty_pb2.Empty(), "/time.TimeService/Time"
    replies, code = await session.each_message(path, request)
    rows = []
    for node, message in replies:
        moments = (m.ToDatetime(tzinfo=datetime.UTC) for m in (message.localtime, message.remotetime))
        rows.append((node, message.server, *(f"{m:%Y-%m-%d %H:%M:%S.%f %z %Z}" for m in moments)))
    output.table(("NODE", "NTP-SERVER", "NODE-TIME", "NTP-SERVER-TIME"), rows)
    return code


COMMAND = command.Command(
    path="time",
    help="show the nodes' time",
    run=run,
    flags=(command.Flag("check", "NTP server to compare with"),),
)
