"""A token to download the configuration with: the device flow of OAuth 2.0 (RFC 8628).

The machine shows an address and a code; a person who may do so opens the address and lets the machine in. Kernel
arguments: `talos.config.oauth.client_id`, which asks for it, and `client_secret`, `audience`, `scope`,
`device_auth_url`, `token_url`, `extra_variable` (what of the machine is told, such as `uuid`); some may repeat.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

import h11

from talos.base import errors
from talos.platforms import download

PREFIX = "talos.config.oauth."
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_S, _SLOWER_S, _EXPIRES_S = 5.0, 5.0, 1800.0
_log = logging.getLogger("platform.oauth")


class Client(NamedTuple):
    """How the machine asks."""

    id: str
    secret: str
    audience: str
    scopes: tuple[str, ...]
    variables: tuple[str, ...]
    device_url: str
    token_url: str


def client(cmdline: str, url: str) -> Client | None:
    """Read the kernel arguments, None when they do not ask for it. `url` is that of the configuration."""
    given: dict[str, list[str]] = {}
    for word in cmdline.split():
        name, _, value = word.partition("=")
        if name.startswith(PREFIX):
            given.setdefault(name.removeprefix(PREFIX), []).append(value.strip('"'))
    if not given.get("client_id", [""])[0]:
        return None

    def one(name: str, default: str = "") -> str:
        return given.get(name, [default])[0]

    def beside(path: str) -> str:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

    return Client(
        id=one("client_id"),
        secret=one("client_secret"),
        audience=one("audience"),
        scopes=tuple(given.get("scope", ())),
        variables=tuple(given.get("extra_variable", ())),
        device_url=one("device_auth_url", beside("/device/code")),
        token_url=one("token_url", beside("/token")),
    )


async def _post(url: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        async with asyncio.timeout(download.ATTEMPT_S):
            status, _, body = await download.request(url, headers, body=urlencode(form).encode())
        answer = json.loads(body or b"{}")
    except (OSError, TimeoutError, h11.ProtocolError, ssl.SSLError, EOFError) as error:
        raise errors.Temporary(f"{url}: {error or 'no answer in time'}") from error
    except ValueError:
        raise errors.Temporary(f"{url}: the server answers {status} and no JSON") from None
    return status, answer if isinstance(answer, dict) else {}


def _need(answer: Mapping[str, Any], name: str, url: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise errors.Temporary(f"{url}: the answer has no {name}")
    return value


def _seconds(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else default


async def authorization(wanted: Client, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the header that proves the machine was let in. Raises Temporary when nobody did so in time, Denied."""
    extra = dict(variables) | ({"audience": wanted.audience} if wanted.audience else {})
    scope = {"scope": " ".join(wanted.scopes)} if wanted.scopes else {}
    status, answer = await _post(wanted.device_url, {"client_id": wanted.id, **scope, **extra})
    if status != 200:
        raise errors.Temporary(f"{wanted.device_url}: the server answers {status} {answer.get('error', '')}".rstrip())
    code = _need(answer, "device_code", wanted.device_url)
    where, shown = answer.get("verification_uri") or answer.get("verification_url"), answer.get("user_code")
    _log.warning("to let this machine have its configuration, open %s and enter %s", where, shown)
    if complete := answer.get("verification_uri_complete"):
        _log.warning("or open %s", complete)
    secret = {"client_secret": wanted.secret} if wanted.secret else {}
    form = {"grant_type": _GRANT, "client_id": wanted.id, "device_code": code, **extra, **secret}
    pause = _seconds(answer.get("interval"), _INTERVAL_S)
    try:
        async with asyncio.timeout(_seconds(answer.get("expires_in"), _EXPIRES_S)):
            return await _token(wanted.token_url, form, pause)
    except TimeoutError:
        raise errors.Temporary(f"nobody let this machine in before the code {shown} expired") from None


async def _token(url: str, form: Mapping[str, str], pause: float) -> dict[str, str]:
    while True:
        await asyncio.sleep(pause)
        status, answer = await _post(url, form)
        reason = answer.get("error")
        if status == 200 and reason is None:
            kind = str(answer.get("token_type") or "Bearer")
            # Servers spell it in any case, and want it as it is written in RFC 6750.
            kind = "Bearer" if kind.lower() == "bearer" else kind
            return {"Authorization": f"{kind} {_need(answer, 'access_token', url)}"}
        if reason == "slow_down":
            pause += _SLOWER_S
        elif reason == "access_denied":
            raise errors.Denied("this machine was refused its configuration")
        elif reason != "authorization_pending":
            raise errors.Temporary(f"{url}: the server answers {status} {reason or ''}".rstrip())
