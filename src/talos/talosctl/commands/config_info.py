"""talosctl config info."""

from __future__ import annotations

import argparse
import datetime

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session


def _certificate(crt: bytes) -> tuple[list[str], datetime.datetime | None]:
    if not crt:
        return [], None
    from cryptography.x509.oid import NameOID

    from talos.pki import x509

    certificate = x509.load_certificates(crt)[0]
    roles = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return roles, certificate.not_valid_after_utc


_UNITS = (("year", 360 * 86400), ("month", 30 * 86400), ("week", 7 * 86400), ("day", 86400))
_SHORT_UNITS = (("hour", 3600), ("minute", 60), ("second", 1))


def _left(end: datetime.datetime) -> str:
    """`3 weeks from now`: whole units of the largest that fits; a month has 30 days, a year twelve of those."""
    seconds = round((end - datetime.datetime.now(datetime.UTC)).total_seconds())
    for name, length in (*_UNITS, *_SHORT_UNITS):
        if count := abs(seconds) // length:
            return f"{count} {name}{'s' * (count > 1)} {'from now' if seconds > 0 else 'ago'}"
    return "now"


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Describe the context in use."""
    name, context = session.config.get(args.context)
    roles, end = _certificate(context.crt)
    data = {
        "context": name,
        "nodes": list(context.nodes),
        "endpoints": list(context.endpoints),
        "roles": roles,
        "certTTL": _left(end) if end else None,
        "certNotAfter": end.strftime("%Y-%m-%d") if end else None,
    }
    if args.output == "json":
        print(output.json_text(data))
    elif args.output == "yaml":
        print(output.yaml_text(data), end="")
    elif args.output == "text":
        rows = {
            "Current context:": name,
            "Nodes:": ", ".join(context.nodes) or "not defined",
            "Endpoints:": ", ".join(context.endpoints) or "not defined",
        }
        if end is not None:
            rows |= {"Roles:": ", ".join(roles), "Certificate expires:": f"{_left(end)} ({end:%Y-%m-%d})"}
        for title, value in rows.items():
            print(f"{title:<21}{value}")
    else:
        raise errors.Invalid(f"--output: expected text, json or yaml, got {args.output!r}")
    return None


COMMAND = command.Command(
    path="config info",
    help="describe the context in use",
    run=run,
    offline=True,
    flags=(command.Flag("output", "text, json or yaml", short="o", default="text"),),
)
