"""nftables through the `nft` program: a script is one transaction, it applies as a whole or not at all (nft(8))."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct

from talos.base import errors
from talos.linux import process
from talos.linux.netlink import codec, connection

_TIMEOUT_S = 30.0
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin"
_NETLINK_NETFILTER, _GET_TABLE, _TABLE_NAME = 12, 10 << 8 | 1, 1
_NFPROTO_INET = 1
_NFGENMSG = struct.Struct("!BBH")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,254}")


def program() -> str | None:
    """Where `nft` is; None when this machine does not have it."""
    return shutil.which("nft", path=f"{os.environ.get('PATH', '')}:{_PATH}")


async def apply(script: str) -> None:
    """Apply a script. Raises Unsupported without the program, CommandFailed with nft's own words."""
    await _nft("-f", "-", stdin=script.encode())


async def tables() -> set[tuple[str, str]]:
    """Family and name of every table of this network namespace."""
    listed = json.loads((await _nft("-j", "list", "tables")).text)
    found = (entry["table"] for entry in listed["nftables"] if "table" in entry)
    return {(table["family"], table["name"]) for table in found}


def has_inet_table(name: str, namespace: connection.Namespace | None = None) -> bool:
    """Whether the family `inet` has a table of this name; asks the kernel without the program. Raises OSError."""
    asked = codec.pack_attribute(_TABLE_NAME, name.encode() + b"\0")
    netfilter = connection.Connection(namespace, protocol=_NETLINK_NETFILTER)
    try:
        netfilter.request(_GET_TABLE, _NFGENMSG.pack(_NFPROTO_INET, 0, 0) + asked, action=f"table {name}")
    except codec.NetlinkError as error:
        if error.absent:
            return False
        raise
    finally:
        netfilter.close()
    return True


async def delete_table(family: str, name: str) -> None:
    """Delete a table with all in it; one that is not there is fine."""
    check_name(name)
    await apply(f"add table {family} {name}\ndelete table {family} {name}\n")


def check_name(name: str) -> str:
    """Return `name` if it can stand for a table, chain or set without quoting. Raises Invalid."""
    if not _NAME.fullmatch(name):
        raise errors.Invalid(f"{name!r} is not an nftables identifier")
    return name


async def _nft(*arguments: str, stdin: bytes | None = None) -> process.Completed:
    found = program()
    if found is None:
        raise errors.Unsupported("the nft program is not installed (Debian package nftables)")
    return await process.run([found, *arguments], stdin=stdin, timeout_s=_TIMEOUT_S)
