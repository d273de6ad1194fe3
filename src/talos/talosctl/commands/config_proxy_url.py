"""talosctl config proxy-url."""

from __future__ import annotations

import argparse
import dataclasses

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the proxy of the context in use, or set it; an empty one clears it."""
    from talos.machinery.client import proxies

    name, context = session.config.get(args.context)
    if args.url is None:
        print(context.proxy_url or "not defined")
        return None
    proxies.parse(args.url)
    session.save(session.config.with_context(name, dataclasses.replace(context, proxy_url=args.url)))
    return None


COMMAND = command.Command(
    path="config proxy-url",
    help="print or set the proxy of the context",
    description="Proxies are socks5, http or https URLs. 'direct' stands for none, whatever the environment says; an"
    " empty text leaves it to the environment again.",
    run=run,
    offline=True,
    arguments=(command.Argument("url", "URL of the proxy, direct, or an empty text", count="?"),),
)
