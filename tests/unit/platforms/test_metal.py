"""A machine that fetches its configuration: variables, and downloads from a real server on the loopback device."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from talos import platforms
from talos.base import errors
from talos.platforms import download, metal

CONFIG = b"version: v1alpha1\nmachine:\n  type: worker\n"
KNOWN = {"uuid": "0f1e-2d", "serial": "SN 1/2", "mac": "52:54:00:aa:bb:cc", "hostname": "node-1", "code": "c&d"}


class Facts:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def value(self, name: str) -> str:
        self.asked.append(name)
        return KNOWN[name]


@pytest.mark.feature("O018")
@pytest.mark.parametrize(
    ("url", "expanded", "asked"),
    [
        ("http://a/x", "http://a/x", []),
        ("http://a/x?u=${uuid}", "http://a/x?u=0f1e-2d", ["uuid"]),
        ("http://a/${mac}.yaml", "http://a/52:54:00:aa:bb:cc.yaml", ["mac"]),
        ("http://a/x?s=${serial}&c=${code}", "http://a/x?s=SN%201%2F2&c=c%26d", ["serial", "code"]),
        ("http://a/x?h=$%7Bhostname%7D", "http://a/x?h=node-1", ["hostname"]),
        ("http://a/x?uuid=&mac=&other=", "http://a/x?uuid=0f1e-2d&mac=52:54:00:aa:bb:cc&other=", ["uuid", "mac"]),
        ("http://a/x?uuid=mine", "http://a/x?uuid=mine", []),
        ("http://a/x?u=${uuid}-${uuid}", "http://a/x?u=0f1e-2d-0f1e-2d", ["uuid"]),
        ("http://a/x?u=${unknown}", "http://a/x?u=${unknown}", []),
    ],
)
def test_variables_of_a_url(url: str, expanded: str, asked: list[str]) -> None:
    assert metal.variables(url) == asked
    assert metal.expand(url, KNOWN) == expanded


def test_the_last_argument_counts() -> None:
    assert metal.argument('a=1 talos.config="http://a/?b=c" a=2', "a") == "2"
    assert metal.argument('talos.config="http://a/?b=c"', "talos.config") == "http://a/?b=c"
    assert metal.argument("talos.configuration=1", "talos.config") == ""


# --- a server


class Server:
    """Answers each request by the next of `answers`, the last one for ever; bytes are sent as they are."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.requests = list(answers), list[str]()
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(answer)
            await writer.drain()
        writer.close()

    @property
    def asked(self) -> list[str]:
        return [request.split()[1] for request in self.requests]


def http(body: bytes = b"", status: str = "200 OK", *, length: int | None = None, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n{more}\r\n"
    return head.encode() + body


@contextlib.asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[Server]:
    made = Server(*answers)
    listening = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        listening.close()
        await listening.wait_closed()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nversi\r\n3\r\non:\r\n0\r\n\r\n"
TILL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\n" + CONFIG


@pytest.mark.feature("O004", "O003")
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (http(CONFIG), CONFIG),
        (http(gzip.compress(CONFIG)), CONFIG),
        (CHUNKED, b"version:"),
        (TILL_CLOSE, CONFIG),
        (http(), None),
        (http(b" \n\n"), None),
    ],
)
async def test_bodies(answer: bytes, text: bytes | None) -> None:
    async with serving(answer) as server:
        assert await download.download(server.url, total_s=5) == text
        assert "Connection: close" in server.requests[0]


@pytest.mark.feature("O004")
async def test_failures_are_tried_again() -> None:
    answers = (http(b"", "503 Not Now"), b"", b"nonsense\r\n\r\n", http(CONFIG, length=9999), http(CONFIG))
    async with serving(*answers) as server:
        assert await download.download(f"{server.url}/c?x=1", total_s=20, pause_s=0.01) == CONFIG
        assert server.asked == ["/c?x=1"] * 5


@pytest.mark.feature("O004")
async def test_it_gives_up_after_its_time_and_says_why() -> None:
    async with serving(http(b"", "500 Oh")) as server:
        with pytest.raises(errors.Temporary, match="answers 500"):
            await download.download(server.url, total_s=0.3, pause_s=0.05)
        assert len(server.requests) > 1
    with pytest.raises(errors.Temporary, match="Connect call failed"):
        await download.download(server.url, total_s=0.1, pause_s=0.05)


@pytest.mark.feature("O004")
async def test_a_server_that_is_silent_costs_one_attempt() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    with pytest.raises(errors.Temporary, match="no answer in time"):
        await download.download(url, total_s=0.3, attempt_s=0.1, pause_s=0.01)
    listening.close()
    await listening.wait_closed()


@pytest.mark.feature("O003")
async def test_what_is_missing() -> None:
    async with serving(http(b"", "404 Not Found")) as server:
        assert await download.download(server.url, none_when_missing=True) is None
        with pytest.raises(errors.Temporary, match="answers 404"):
            await download.download(server.url, total_s=0.05)


async def test_redirects() -> None:
    async with serving(http(CONFIG)) as other:
        moved = http(b"", "302 Found", more=f"Location: {other.url}/there\r\n")
        async with serving(http(b"", "301 Moved", more="Location: /next\r\n"), moved) as server:
            found = await download.download(f"{server.url}/a", headers={"Authorization": "s", "X-A": "b"}, total_s=5)
            assert found == CONFIG
            assert (server.asked, other.asked) == (["/a", "/next"], ["/there"])
            assert "Authorization" in server.requests[1]
            assert "Authorization" not in other.requests[0]
            assert "X-A: b" in other.requests[0]
    async with serving(http(b"", "302 Found", more="Location: /again\r\n")) as server:
        with pytest.raises(errors.Invalid, match="redirects"):
            await download.download(server.url, total_s=5)
    async with serving(http(b"", "302 Found", more="Location: file:///etc/shadow\r\n")) as server:
        with pytest.raises(errors.Invalid, match="no HTTP URL"):
            await download.download(server.url, total_s=5)


@pytest.mark.parametrize(
    "answer", [http(b"a" * (2 << 20)), http(gzip.compress(b"a" * (2 << 20))), http(gzip.compress(CONFIG)[:-9])]
)
async def test_what_is_too_large_or_broken(answer: bytes) -> None:
    async with serving(answer) as server:
        with pytest.raises(errors.Invalid, match="larger than"):
            await download.download(server.url, total_s=5)


@pytest.mark.parametrize("url", ["", "ftp://a/b", "file:///etc/passwd", "http://", "a"])
async def test_what_is_no_url(url: str) -> None:
    with pytest.raises(errors.Invalid, match="no HTTP URL"):
        await download.download(url)


# --- the platform


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[[str], metal.Metal]]:
    def made(cmdline: str) -> metal.Metal:
        (tmp_path / "cmdline").write_text(cmdline + "\n")
        return metal.Metal(tmp_path, total_s=2, pause_s=0.05)

    yield made


@pytest.mark.feature("O018", "O004")
async def test_a_machine_downloads_what_its_kernel_was_told(machine: Callable[[str], metal.Metal]) -> None:
    facts = Facts()
    async with serving(http(b"", "503 Wait"), http(CONFIG)) as server:
        found = machine(f"console=ttyS0 talos.config={server.url}/${{uuid}}?m=${{mac}}&hostname= quiet")
        assert await found.configuration(facts) == CONFIG
        assert server.asked == ["/0f1e-2d?m=52:54:00:aa:bb:cc&hostname=node-1"] * 2
    assert sorted(facts.asked) == ["hostname", "mac", "uuid"]


@pytest.mark.feature("O018")
@pytest.mark.parametrize("cmdline", ["quiet", "talos.config=none", "talos.config="])
async def test_a_machine_that_was_told_nothing(machine: Callable[[str], metal.Metal], cmdline: str) -> None:
    assert await machine(cmdline).configuration(Facts()) is None


async def test_a_disk_is_not_read_yet_and_that_is_said(machine: Callable[[str], metal.Metal]) -> None:
    with pytest.raises(errors.Unsupported, match="metal-iso"):
        await machine("talos.config=metal-iso").configuration(Facts())


@pytest.mark.feature("O001")
def test_metal_is_found_by_its_name() -> None:
    assert isinstance(platforms.find("metal"), metal.Metal)
