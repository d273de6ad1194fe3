"""Scalar types of the configuration, and the marks a field may carry.

A field is annotated with what it may hold: `Prefix` is text to Python and an address prefix to the loader, which checks
it, says what was expected when it is not one, and keeps its canonical spelling. Marks tell the encoder, the patcher and
the redactor what the original's struct tags tell it.
"""

from __future__ import annotations

import datetime
import enum
import ipaddress
import re
import urllib.parse
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple


class Mark(enum.Enum):
    """What is special about a field besides its type."""

    SECRET = "secret"  # replaced when a configuration is shown
    REPLACE = "replace"  # a patch replaces the value instead of merging into it
    ALWAYS = "always"  # written even when empty
    VERBATIM = "verbatim"  # a patch replaces a mapping's value whole


SECRET = Mark.SECRET
REPLACE = Mark.REPLACE
ALWAYS = Mark.ALWAYS


class Form(NamedTuple):
    """How text must look. `parse` returns the canonical spelling and raises ValueError for anything else."""

    wanted: str
    parse: Callable[[str], str]


class Choice(NamedTuple):
    """Text out of a fixed list."""

    texts: tuple[str, ...]


class Range(NamedTuple):
    """Bounds of an integer, both included."""

    low: int
    high: int


class Spelling(enum.Enum):
    """How a value is written in YAML when that is not the plain way."""

    OCTAL = "octal"
    BASE64 = "base64"


# Durations --

_DURATION_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
_UNIT_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def parse_duration(text: str) -> datetime.timedelta:
    """Parse a duration as Go does (`1h30m`, `1.5s`, `0`); below a microsecond is cut off. Raises ValueError."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return datetime.timedelta()
    matched = list(re.finditer(_DURATION_PART, rest))
    if not matched or "".join(m.group(0) for m in matched) != rest:
        raise ValueError(text)
    total_ns = sum(float(m.group(1)) * _UNIT_NS[m.group(2)] for m in matched)
    if total_ns >= 1 << 63:
        raise ValueError(text)
    microseconds = int(total_ns) // 1000
    return datetime.timedelta(microseconds=-microseconds if text.startswith("-") else microseconds)


def format_duration(value: datetime.timedelta) -> str:
    """`168h0m0s`, `1m0s`, `1.5s`, `100ms`: as Go prints durations."""
    total = value // datetime.timedelta(microseconds=1)
    sign, total = ("-", -total) if total < 0 else ("", total)
    if total == 0:
        return "0s"
    if total < 1000:
        return f"{sign}{total}µs"
    if total < 1_000_000:
        return f"{sign}{_decimal(total, 1000)}ms"
    minutes, rest = divmod(total, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 1_000_000)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(unit)) - 1)}".rstrip("0")


# Sizes --

_SIZE = r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([A-Za-z]*)\s*\Z"
_SIZE_UNITS = {
    "": 1,
    "b": 1,
    **{prefix: 1000 ** (n + 1) for n, prefix in enumerate("kmgtpe")},
    **{f"{prefix}b": 1000 ** (n + 1) for n, prefix in enumerate("kmgtpe")},
    **{f"{prefix}i": 1024 ** (n + 1) for n, prefix in enumerate("kmgtpe")},
    **{f"{prefix}ib": 1024 ** (n + 1) for n, prefix in enumerate("kmgtpe")},
}


def parse_size(text: str) -> int:
    """Return the bytes `text` stands for: `10GiB`, `2.5TiB`, `100MB`, `1073741824`. Raises ValueError."""
    matched = re.match(_SIZE, text)
    unit = _SIZE_UNITS.get(matched.group(2).lower()) if matched else None
    if matched is None or unit is None:
        raise ValueError(text)
    number = matched.group(1)
    size = int(number) * unit if number.isdigit() else int(float(number) * unit)
    if size >= 1 << 64:
        raise ValueError(text)
    return size


def parse_percentage(text: str) -> int:
    """Return the percentage `text` stands for (`50%`), 0 to 100. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{1,3}%", text) or int(text[:-1]) > 100:
        raise ValueError(text)
    return int(text[:-1])


def _byte_size(text: str) -> str:
    parse_size(text)
    return text


def _signed_size(text: str) -> str:
    if text.endswith("%"):
        parse_percentage(text.removeprefix("-"))
    else:
        parse_size(text.removeprefix("-"))
    return text


# Addresses --


def _address(text: str) -> str:
    address, zone = ipaddress.ip_address(text.partition("%")[0]), text.partition("%")[2]
    return f"{address}%{zone}" if zone else str(address)


def parse_prefix(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    """Parse `address/bits`; the bits must be there and be a number. Raises ValueError."""
    _, slash, bits = text.partition("/")
    if not slash or not bits.isdigit() or (len(bits) > 1 and bits.startswith("0")):
        raise ValueError(text)
    return ipaddress.ip_interface(text)


def _prefix(text: str) -> str:
    return str(parse_prefix(text))


def _prefix_or_except(text: str) -> str:
    return "!" + _prefix(text[1:]) if text.startswith("!") else _prefix(text)


def parse_address_port(text: str) -> tuple[str, int]:
    """Parse `10.0.0.1:80` or `[::1]:80`. Raises ValueError."""
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    address = ipaddress.ip_address(bare)
    if not port.isdigit() or int(port) > 65535 or (address.version == 6) != host.startswith("["):
        raise ValueError(text)
    return str(address), int(port)


def _address_port(text: str) -> str:
    parse_address_port(text)
    return text


_HARDWARE = r"(?i)(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4,18}[0-9a-f]{2}\Z"
_HARDWARE_DOTS = r"(?i)[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,9}\Z"
# EUI-48, EUI-64 and the 20 octets of IP over InfiniBand.
_HARDWARE_OCTETS = (6, 8, 20)


def _hardware_address(text: str) -> str:
    if not re.match(_HARDWARE, text) and not re.match(_HARDWARE_DOTS, text):
        raise ValueError(text)
    digits = re.sub(r"[^0-9A-Fa-f]", "", text).lower()
    if len(digits) // 2 not in _HARDWARE_OCTETS:
        raise ValueError(text)
    return ":".join(digits[n : n + 2] for n in range(0, len(digits), 2))


def _url(text: str) -> str:
    parts = urllib.parse.urlsplit(text)
    _ = parts.port
    if any(character <= " " or character == "\x7f" for character in text):
        raise ValueError(text)
    return text


class Reason(ValueError):
    """A ValueError whose text is meant for the user."""


def _port_range(text: str) -> str:
    low, dash, high = text.partition("-")
    if not low.isdigit() or (dash and not high.isdigit()):
        raise ValueError(text)
    first, last = int(low), int(high or low)
    if last > 65535 or first > last:
        raise ValueError(text)
    return str(first) if first == last else f"{first}-{last}"


_TABLES = {"unspec": 0, "default": 253, "main": 254, "local": 255}


def parse_routing_table(text: str) -> int:
    """Return the number of a routing table given by number or kernel name. Raises ValueError."""
    if text in _TABLES:
        return _TABLES[text]
    if not text.isdigit() or int(text) >= 1 << 32:
        raise ValueError(text)
    return int(text)


def _routing_table(text: str) -> str:
    number = parse_routing_table(text)
    return next((name for name, value in _TABLES.items() if value == number), str(number))


def _cel(text: str) -> str:
    """Names and types depend on the place; documents check them in `validate`."""
    from talos.machinery.config import _cel as grammar

    grammar.check(text)
    return text


def _identity(text: str) -> str:
    return text


Address = Annotated[str, Form("an IP address", _address)]
Prefix = Annotated[str, Form("an address prefix such as 10.0.0.0/8", _prefix)]
PrefixOrExcept = Annotated[str, Form("an address prefix such as 10.0.0.0/8, or !10.0.0.0/8", _prefix_or_except)]
AddressPort = Annotated[str, Form("an address and port such as 10.0.0.1:8080", _address_port)]
HardwareAddress = Annotated[str, Form("a hardware address such as 02:00:5e:10:00:01", _hardware_address)]
URL = Form("a URL", _url)
Url = Annotated[str, URL]
PortRange = Annotated[str, Form("a port or a range such as 8000-9000", _port_range)]
RoutingTable = Annotated[str, Form("a routing table: a number, main, local or default", _routing_table)]
Expression = Annotated[str, Form("a CEL expression", _cel)]
ByteSize = Annotated[str, Form("a size such as 10GiB", _byte_size)]
Size = Annotated[str, Form("a size such as 10GiB, -10GiB or 50%", _signed_size)]
Duration = datetime.timedelta
Octal = Annotated[int, Spelling.OCTAL, Range(0, 0o7777)]
Base64 = Annotated[bytes, Spelling.BASE64]
U8 = Annotated[int, Range(0, (1 << 8) - 1)]
U16 = Annotated[int, Range(0, (1 << 16) - 1)]
U32 = Annotated[int, Range(0, (1 << 32) - 1)]
U64 = Annotated[int, Range(0, (1 << 64) - 1)]
I32 = Annotated[int, Range(-(1 << 31), (1 << 31) - 1)]
# What a program takes on its command line: one value, or several for a flag that repeats.
Args = dict[str, str | tuple[str, ...]]
# Data of another system's format: any mapping.
Unstructured = dict[str, Any]
