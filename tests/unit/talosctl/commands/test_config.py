"""talosctl config: contexts in a file, certificates of other roles from a node, proxies on the way."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.client import talosconfig
from talos.pki import x509
from talos.talosctl import main
from talos.talosctl.commands import config_info
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster, Run

NOW = datetime.datetime.now(datetime.UTC)
TEXT = """# mine
context: prod
contexts:
    dev-1:
        endpoints: []
    prod: # live
        endpoints:
            - 10.5.0.2
            - 10.5.0.3
        nodes:
            - 10.5.0.4
    dev-2:
        endpoints:
            - 10.7.0.2
"""


class Ctl:
    def __init__(self, file: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.file, self.capfd = file, capfd

    def __call__(self, *argv: str) -> Run:
        self.capfd.readouterr()
        try:
            code = int(main.run(["--talosconfig", str(self.file), "config", *argv]))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 2
        captured = self.capfd.readouterr()
        return Run(code, captured.out, captured.err)

    @property
    def data(self) -> Any:
        return yaml.safe_load(self.file.read_text())


@pytest.fixture
def ctl(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ctl:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    file = tmp_path / "talosconfig"
    file.write_text(TEXT)
    return Ctl(file, capfd)


@pytest.mark.feature("G034", "G042")
@pytest.mark.parametrize("word", ["contexts", "get-contexts"])
def test_contexts(ctl: Ctl, word: str) -> None:
    assert [line.split() for line in ctl(word).lines] == [
        ["CURRENT", "NAME", "ENDPOINTS", "NODES"],
        ["dev-1"],
        ["dev-2", "10.7.0.2"],
        ["*", "prod", "10.5.0.2,10.5.0.3", "10.5.0.4"],
    ]


@pytest.mark.feature("G033")
def test_context(ctl: Ctl) -> None:
    assert ctl("context", "dev-2") == Run(0, "", "")
    assert ctl.data["context"] == "dev-2"
    assert ctl("use-context", "prod").code == 0
    assert ctl.data == yaml.safe_load(TEXT)
    assert ctl.file.read_text().startswith("# mine\n")
    ran = ctl("context", "nowhere")
    assert ran.code == 3
    assert "'nowhere'" in ran.err


@pytest.mark.feature("G035", "G039", "G004")
def test_endpoints_and_nodes(ctl: Ctl) -> None:
    assert ctl("endpoint", "a.example", "10.5.0.9:50001").code == 0
    assert ctl.data["contexts"]["prod"]["endpoints"] == ["a.example", "10.5.0.9:50001"]
    assert ctl("endpoints", "--context", "dev-1", "fd00::1").code == 0
    assert ctl.data["contexts"]["dev-1"]["endpoints"] == ["fd00::1"]
    assert ctl("endpoint", "a:b").code == 2
    assert ctl("node", "n1", "n2").code == 0
    assert ctl.data["contexts"]["prod"]["nodes"] == ["n1", "n2"]
    assert ctl("nodes").code == 0
    assert "nodes" not in ctl.data["contexts"]["prod"]
    assert "prod: # live" in ctl.file.read_text()


@pytest.mark.feature("G035")
def test_an_endpoint_is_needed(ctl: Ctl) -> None:
    assert ctl("endpoint").code == 2
    assert ctl.file.read_text() == TEXT


@pytest.mark.feature("G032")
def test_add(ctl: Ctl, tmp_path: Path) -> None:
    for name in ("ca", "crt", "key"):
        (tmp_path / name).write_bytes(name.encode())
    words = [word for name in ("ca", "crt", "key") for word in (f"--{name}", str(tmp_path / name))]
    assert ctl("add", "new", *words).code == 0
    added = talosconfig.load(ctl.file).contexts["new"]
    assert (added.ca, added.crt, added.key) == (b"ca", b"crt", b"key")
    assert ctl.data["context"] == "prod"
    assert ctl("add", "new").code != 0
    assert ctl("add", "other", "--ca", str(tmp_path / "nothing")).code == 3
    assert "other" not in ctl.data["contexts"]


@pytest.mark.feature("G037", "G003")
def test_merge(ctl: Ctl, tmp_path: Path) -> None:
    for number, context in enumerate(("prod", "stage")):
        (tmp_path / f"other{number}").write_text(
            f"context: {context}\ncontexts:\n  {context}:\n    endpoints: [10.9.0.{number}]\n"
        )
    ran = ctl("merge", str(tmp_path / "other0"))
    assert (ran.code, ran.err) == (0, 'renamed talosconfig context "prod" -> "prod-1"\n')
    assert ctl.data["context"] == "prod-1"
    assert ctl.data["contexts"]["prod-1"]["endpoints"] == ["10.9.0.0"]
    assert ctl.data["contexts"]["prod"] == yaml.safe_load(TEXT)["contexts"]["prod"]
    assert ctl("merge", str(tmp_path / "other0"), str(tmp_path / "other1")).code == 0
    assert ctl.data["context"] == "stage"
    assert ctl.file.stat().st_mode & 0o777 == 0o600
    before = ctl.file.read_text()
    (tmp_path / "bad").write_text("contexts: [")
    assert ctl("merge", str(tmp_path / "bad")).code == 2
    assert ctl("merge", str(tmp_path / "nothing")).code == 3
    assert ctl.file.read_text() == before


@pytest.mark.feature("G041")
def test_remove(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = ctl("remove", "dev-*", "--dry-run")
    assert (ran.code, ran.err.count("would remove")) == (0, 2)
    assert ctl("remove", "dev-*").code == 2
    assert ctl.file.read_text() == TEXT
    assert ctl("remove", "nothing", "-y").code == 3
    assert ctl("remove", "dev-*", "-y").code == 0
    assert list(ctl.data["contexts"]) == ["prod"]
    for answer, left in (("n", ["prod"]), ("y", [])):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        ctl("remove", "prod")
        assert list(ctl.data["contexts"] or {}) == left
    assert ctl.data["context"] == ""


def _certificate(days: float, roles: tuple[str, ...]) -> x509.KeyPair:
    authority = x509.Authority.new(x509.new_ed25519_key(), organizations=("talos",))
    return authority.issue(x509.Subject(organizations=roles), x509.CLIENT, lifetime=datetime.timedelta(days=days))


@pytest.mark.feature("G036")
def test_info(ctl: Ctl) -> None:
    assert ctl("info").out == (
        "Current context:     prod\nNodes:               10.5.0.4\nEndpoints:           10.5.0.2, 10.5.0.3\n"
    )
    pair = _certificate(100, ("os:reader", "os:operator"))
    context = talosconfig.Context(crt=pair.crt, key=pair.key)
    talosconfig.save(talosconfig.Talosconfig("c", {"c": context}), ctl.file)
    day = (NOW + datetime.timedelta(days=100)).strftime("%Y-%m-%d")
    assert ctl("info").out == (
        "Current context:     c\nNodes:               not defined\nEndpoints:           not defined\n"
        f"Roles:               os:reader, os:operator\nCertificate expires: 3 months from now ({day})\n"
    )
    for output, load in (("json", json.loads), ("yaml", yaml.safe_load)):
        found = load(ctl("info", "-o", output).out)
        assert (found["context"], found["nodes"], found["roles"]) == ("c", [], ["os:reader", "os:operator"])
        assert str(found["certNotAfter"]) == day
    assert ctl("info", "-o", "xml").code == 2


@pytest.mark.feature("G036")
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (1, "1 second from now"),
        (-59, "59 seconds ago"),
        (7200, "2 hours from now"),
        (86400 * 6, "6 days from now"),
        (-86400 * 8, "1 week ago"),
        (86400 * 29, "4 weeks from now"),
        (86400 * 365, "1 year from now"),
        (86400 * 3650, "10 years from now"),
    ],
)
def test_how_long_is_left(seconds: int, text: str) -> None:
    assert config_info._left(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)) == text


# --- new


@pytest.mark.feature("G038", "A061")
@pytest.mark.parametrize(
    ("flags", "roles", "hours"),
    [
        ((), ["os:admin"], 8760),
        (("--roles", "os:reader,os:operator", "--crt-ttl", "30m"), ["os:reader", "os:operator"], 0.5),
        (("--roles=os:etcd:backup", "--crt-ttl=24h"), ["os:etcd:backup"], 24),
    ],
)
def test_new(cluster: Cluster, tmp_path: Path, flags: tuple[str, ...], roles: list[str], hours: float) -> None:
    message = machine_pb2.GenerateClientConfiguration(talosconfig=TEXT.encode())
    cluster.serve(
        f"{MACHINE}GenerateClientConfiguration", machine_pb2.GenerateClientConfigurationResponse(messages=[message])
    )
    target = tmp_path / "deep/new"
    assert cluster.run("config", "new", str(target), *flags).code == 0
    assert (target.read_text(), target.stat().st_mode & 0o777) == (TEXT, 0o600)
    (request,) = cluster.requests(f"{MACHINE}GenerateClientConfiguration")
    assert (list(request.roles), request.crt_ttl.seconds) == (roles, hours * 3600)
    assert cluster.run("config", "new", str(target)).code != 0
    assert cluster.run("config", "new", str(tmp_path / "two"), nodes="10.5.0.2,10.5.0.3").code == 2
    assert len(cluster.requests(f"{MACHINE}GenerateClientConfiguration")) == 1


# --- proxies


@pytest.mark.feature("G040")
def test_proxy_url(ctl: Ctl) -> None:
    assert ctl("proxy-url").out == "not defined\n"
    for url in ("socks5://127.0.0.1:1080", "http://p", "https://p:8443", "direct"):
        assert ctl("proxy-url", url) == Run(0, "", "")
        assert ctl.data["contexts"]["prod"]["proxy-url"] == url
        assert ctl("proxy-url").out == f"{url}\n"
    assert ctl("proxy-url", "ftp://p").code == 2
    assert ctl("proxy-url").out == "direct\n"
    assert ctl("proxy-url", "").code == 0
    assert "proxy-url" not in ctl.data["contexts"]["prod"]


@pytest.fixture
def proxy(loop_thread: asyncio.AbstractEventLoop) -> Iterator[tuple[int, list[str]]]:
    """An HTTP proxy that connects to what it is asked for, wherever that claims to be."""
    asked: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split()[1])
        there, out = await asyncio.open_connection("127.0.0.1", int(head.split()[1].rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(copy(reader, out), copy(there, writer))

    async def begin() -> asyncio.Server:
        return await asyncio.start_server(handle, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(begin(), loop_thread).result(10)
    yield server.sockets[0].getsockname()[1], asked
    loop_thread.call_soon_threadsafe(server.close)


@pytest.mark.feature("G040")
def test_calls_go_through_the_proxy(cluster: Cluster, proxy: tuple[int, list[str]]) -> None:
    port, asked = proxy
    cluster.serve(f"{MACHINE}Version", machine_pb2.VersionResponse(messages=[machine_pb2.Version()]))
    assert cluster.run("version").code == 0
    assert asked == []
    assert cluster.run("config", "proxy-url", f"http://127.0.0.1:{port}").code == 0
    assert cluster.run("version").code == 0
    assert asked == [f"127.0.0.1:{cluster.port}"]
    assert cluster.run("config", "proxy-url", "http://127.0.0.1:1").code == 0
    ran = cluster.run("version")
    assert ran.code == 5
    assert "proxy 127.0.0.1:1" in ran.err
