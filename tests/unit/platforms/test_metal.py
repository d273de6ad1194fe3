"""A machine that fetches its configuration: variables, and downloads from a real server on the loopback device."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from talos import platforms
from talos.base import errors
from talos.linux import block
from talos.platforms import _labelled, _oauth, download, metal

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
        self.heads: list[bytes] = []
        """Requests with their bodies."""
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode())
            length = next(
                (line.split(b":")[1] for line in head.lower().split(b"\r\n") if b"content-length" in line), b"0"
            )
            self.heads.append(head + await reader.readexactly(int(length)))
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


@pytest.mark.feature("O018")
async def test_a_disk_is_waited_for_and_its_absence_said(machine: Callable[[str], metal.Metal]) -> None:
    with pytest.raises(errors.Temporary, match="metal-iso"):
        await machine("talos.config=metal-iso").configuration(Facts())


def test_the_disk_is_found_by_its_label(tmp_path: Path) -> None:
    """A FAT file system, whose label is in capitals, among others."""
    boot = bytearray(1 << 20)
    boot[0:3], boot[510:512] = b"\xeb\x3c\x90", b"\x55\xaa"
    boot[11:24] = (512).to_bytes(2, "little") + b"\x04\x01\x00\x02\x00\x02\x00\x08\xf8\x02\x00"
    boot[38] = 0x29
    boot[43:54], boot[54:62] = b"METAL-ISO  ", b"FAT12   "
    (tmp_path / "sdb").write_bytes(boot)
    (tmp_path / "sda").write_bytes(bytes(1 << 20))

    def device(name: str) -> block.Device:
        return block.Device(
            name=name, kind="disk", major=8, minor=0, size=1 << 20, sector_bytes=512, io_bytes=512, device_path="",
            parent="", partition=0, partition_label="", start=0, read_only=False, secondaries=(),
        )  # fmt: skip

    devices = [device("gone"), device("sda"), device("sdb")]
    assert _labelled.find(devices, tmp_path) == (tmp_path / "sdb", "vfat")
    assert _labelled.find(devices[:2], tmp_path) is None


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("http://a.example/x", {}, ""),
        ("http://a.example/x", {"http_proxy": "http://p:3128"}, "http://p:3128"),
        ("https://a.example/x", {"http_proxy": "http://p:3128"}, ""),
        ("https://a.example/x", {"HTTPS_PROXY": "p:3128"}, "http://p:3128"),
        ("http://a.example/x", {"http_proxy": "http://p", "no_proxy": "b.example,.example"}, ""),
        ("http://a.example/x", {"http_proxy": "http://p", "NO_PROXY": "*"}, ""),
        ("http://localhost/x", {"http_proxy": "http://p"}, ""),
    ],
)
def test_the_environment_names_proxies(url: str, environment: dict[str, str], proxy: str) -> None:
    assert download.proxy_of(url, environment) == proxy


def test_kernel_arguments_are_an_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cmdline").write_text("quiet talos.environment=http_proxy=http://p:1 talos.environment=A=b=c\n")
    monkeypatch.setenv("A", "mine")
    found = download.environment(tmp_path)
    assert (found["http_proxy"], found["A"]) == ("http://p:1", "mine")


@pytest.mark.feature("O004")
async def test_requests_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(http(CONFIG)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:a%20b@"))
        assert await download.download("http://boot.example:81/c?d=e") == CONFIG
        assert proxy.asked == ["http://boot.example:81/c?d=e"]
        assert b"proxy-authorization: basic bwu6ysbi" in proxy.heads[0].lower()
    async with serving(b"HTTP/1.1 403 No\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(errors.Temporary, match="the proxy answers 403 No"):
            await download.download("https://boot.example/c", total_s=9, pause_s=9)
        assert proxy.asked == ["boot.example:443"]


def replying(**fields: object) -> bytes:
    return http(json.dumps(fields).encode())


@pytest.mark.feature("O004", "O018")
async def test_a_person_lets_the_machine_in(
    machine: Callable[[str], metal.Metal], caplog: pytest.LogCaptureFixture
) -> None:
    device = replying(device_code="d", user_code="AB-CD", verification_uri="http://login", interval=0.01, expires_in=9)
    waiting = http(b'{"error": "authorization_pending"}', "400 Bad Request")
    token = replying(access_token="t0k", token_type="bearer")
    async with serving(device, waiting, token, http(CONFIG)) as server:
        oauth = "talos.config.oauth.client_id=me talos.config.oauth.scope=a talos.config.oauth.scope=b "
        oauth += "talos.config.oauth.client_secret=s talos.config.oauth.extra_variable=uuid"
        assert await machine(f"talos.config={server.url}/c {oauth}").configuration(Facts()) == CONFIG
        assert server.asked == ["/device/code", "/token", "/token", "/c"]
        assert b"client_id=me&scope=a+b&uuid=0f1e-2d" in server.heads[0]
        assert b"device_code=d" in server.heads[2] and b"client_secret=s" in server.heads[2]
        assert b"client_secret" not in server.heads[0]
        assert b"authorization: bearer t0k" in server.heads[3].lower()
    assert "AB-CD" in caplog.text


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        ({"error": "access_denied"}, errors.Denied),
        ({"error": "expired_token"}, errors.Temporary),
        ({"error": "authorization_pending"}, errors.Temporary),
    ],
)
async def test_a_machine_that_is_not_let_in(said: dict[str, str], raised: type[Exception]) -> None:
    device = replying(
        device_code="d", user_code="AB-CD", verification_uri="http://login", interval=0.01, expires_in=0.2
    )
    async with serving(device, http(json.dumps(said).encode(), "400 Bad Request")) as server:
        wanted = _oauth.client("talos.config.oauth.client_id=me", server.url)
        assert wanted is not None
        with pytest.raises(raised):
            await _oauth.authorization(wanted, {})


@pytest.mark.feature("O001")
def test_metal_is_found_by_its_name() -> None:
    assert isinstance(platforms.find("metal"), metal.Metal)
