from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from talos.base import errors
from talos.machinery.client import talosconfig
from talos.machinery.client.talosconfig import Context, Talosconfig

TEXT = """# Mine, do not touch.
context: prod # the one in use
contexts:
    # Frankfurt
    prod:
        endpoints:
            - 10.5.0.2
            # the second rack
            - 10.5.0.3 # flaky
        nodes: [10.5.0.2]
        ca: {ca}
        crt: {crt}
        key: {key} # secret
        auth:
            siderov1:
                identity: me@example.org # kept
        cluster: eu
        proxy-url: socks5://127.0.0.1:1080
    old:
        # of the first release
        target: 10.1.0.1
    gone: # and its comment
        endpoints: []
future: # not ours
    key: 1
# the end
""".format(**{name: base64.b64encode(f"{name}-pem".encode()).decode() for name in ("ca", "crt", "key")})


@pytest.mark.feature("G001")
def test_what_a_talosconfig_says() -> None:
    config = talosconfig.parse(TEXT.encode())
    name, context = config.get()
    assert name == "prod"
    assert (context.endpoints, context.nodes) == (("10.5.0.2", "10.5.0.3"), ("10.5.0.2",))
    assert (context.ca, context.crt, context.key) == (b"ca-pem", b"crt-pem", b"key-pem")
    assert (context.cluster, context.proxy_url) == ("eu", "socks5://127.0.0.1:1080")
    assert context.unknown == {"auth": {"siderov1": {"identity": "me@example.org"}}}
    assert config.get("old")[1].endpoints == ("10.1.0.1",)
    assert config.unknown == {"future": {"key": 1}}
    assert talosconfig.parse(talosconfig.encode(config)) == config


@pytest.mark.feature("G001")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("contexts: [", "not YAML"),
        ("- a\n", "expected keys"),
        ("contexts: 1\n", "expected keys"),
        ("contexts:\n  a: 1\n", r"contexts\.a"),
        ("contexts:\n  a:\n    ca: '%'\n", r"contexts\.a\.ca"),
    ],
)
def test_what_is_none(text: str, reason: str) -> None:
    with pytest.raises(errors.Invalid, match=reason):
        talosconfig.parse(text.encode())


@pytest.mark.parametrize("text", ["", "# nothing\n", "context: ''\ncontexts:\n"])
def test_an_empty_one(text: str) -> None:
    with pytest.raises(errors.NotFound, match="no context is set"):
        talosconfig.parse(text.encode()).get()


def test_contexts_that_are_not_there() -> None:
    config = talosconfig.parse(TEXT.encode())
    with pytest.raises(errors.NotFound, match="'nowhere'"):
        config.get("nowhere")
    assert config.without({"prod"}).context == ""
    assert config.without({"old"}).context == "prod"
    assert config.without({"old"}).unknown == config.unknown


A, B, C = (Context(endpoints=(name,)) for name in "abc")


@pytest.mark.feature("G003")
@pytest.mark.parametrize(
    ("mine", "theirs", "merged", "renamed"),
    [
        (Talosconfig(), Talosconfig("x", {"x": A}), Talosconfig("x", {"x": A}), {}),
        (Talosconfig("x", {"x": A}), Talosconfig("y", {"y": B}), Talosconfig("y", {"x": A, "y": B}), {}),
        (Talosconfig("x", {"x": A}), Talosconfig("x", {"x": B}), Talosconfig("x-1", {"x": A, "x-1": B}), {"x": "x-1"}),
        (
            Talosconfig("x", {"x": A, "x-1": B}),
            Talosconfig("x", {"x": C}),
            Talosconfig("x-2", {"x": A, "x-1": B, "x-2": C}),
            {"x": "x-2"},
        ),
        (Talosconfig("x", {"x": A}), Talosconfig("x", {"x": A}), Talosconfig("x", {"x": A}), {}),
        (Talosconfig("x", {"x": A}), Talosconfig("", {"x": B}), Talosconfig("x", {"x": A, "x-1": B}), {"x": "x-1"}),
        (
            Talosconfig("", {"x": A, "y": A}),
            Talosconfig("y", {"x": B, "y": B}),
            Talosconfig("y-1", {"x": A, "y": A, "x-1": B, "y-1": B}),
            {"x": "x-1", "y": "y-1"},
        ),
    ],
)
def test_merging(mine: Talosconfig, theirs: Talosconfig, merged: Talosconfig, renamed: dict[str, str]) -> None:
    assert mine.merged(theirs) == (merged, renamed)


# --- where it is


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TALOSCONFIG", "TALOS_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(talosconfig, "POD_PATH", tmp_path / "pod/config")
    return tmp_path


@pytest.mark.feature("G002")
@pytest.mark.parametrize(
    ("flag", "environment", "there", "expected"),
    [
        ("", {}, (), ".talos/config"),
        ("", {}, (".config/talos/config",), ".config/talos/config"),
        ("", {}, (".talos/config", ".config/talos/config", "pod/config"), ".talos/config"),
        ("", {"XDG_CONFIG_HOME": "{home}/x"}, ("x/talos/config", ".config/talos/config"), "x/talos/config"),
        ("", {"XDG_CONFIG_HOME": "relative"}, (".config/talos/config",), ".config/talos/config"),
        ("", {}, ("pod/config",), "pod/config"),
        ("", {"TALOS_HOME": "{home}/t"}, (".talos/config",), "t/config"),
        ("", {"TALOS_HOME": "{home}/t"}, ("pod/config",), "pod/config"),
        ("", {"TALOSCONFIG": "{home}/c", "TALOS_HOME": "{home}/t"}, (".talos/config", "t/config"), "c"),
        ("{home}/f", {"TALOSCONFIG": "{home}/c"}, (".talos/config", "c"), "f"),
        ("~/f", {}, (), "f"),
    ],
)
def test_where_it_is(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: str,
    environment: dict[str, str],
    there: tuple[str, ...],
    expected: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(home=home))
    for name in there:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    assert talosconfig.path(flag.format(home=home)) == home / expected
    if expected == "pod/config":
        assert talosconfig.path(writing=True).name == "config"
        assert talosconfig.path(writing=True) != home / expected


# --- writing


@pytest.mark.feature("G001")
def test_comments_and_unknown_keys_stay(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(TEXT)
    config = talosconfig.load(file).without({"gone"})
    talosconfig.save(config.with_context("new", A), file)
    text = file.read_text()
    assert text.startswith("# Mine, do not touch.\ncontext: prod # the one in use\n")
    assert "    # Frankfurt\n    prod:\n" in text
    assert "# the second rack\n        - 10.5.0.3 # flaky\n" in text
    assert "identity: me@example.org # kept\n" in text
    assert text.endswith("future: # not ours\n    key: 1\n# the end\n")
    assert "and its comment" not in text
    assert talosconfig.parse(text.encode()) == config.with_context("new", A)
    again = text
    talosconfig.save(talosconfig.load(file), file)
    assert file.read_text() == again


@pytest.mark.feature("G003")
def test_it_is_private_whole_and_its_link_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link = tmp_path / "real/config", tmp_path / "link"
    link.symlink_to(real)
    talosconfig.save(Talosconfig("x", {"x": A}), link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    real.chmod(0o644)
    before = real.read_bytes()

    def die(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", die)
    with pytest.raises(OSError, match="No space"):
        talosconfig.save(Talosconfig("y", {"y": B}), link)
    assert real.read_bytes() == before
    assert [p.name for p in real.parent.iterdir()] == ["config"]
    monkeypatch.undo()
    talosconfig.save(Talosconfig("y", {"y": B}), link)
    assert real.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(real.read_text())["context"] == "y"
