"""What offline commands may import: start-up time is a promise, and one careless import breaks it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RPC = {"asyncio", "ssl", "grpclib", "h2", "google.protobuf"}
HEAVY = {"cryptography", "yaml", "msgspec", "subprocess", "logging", "dataclasses", "inspect", "email", "http.client"}
SCRIPT = """
import sys
from talos.talosctl import main
code = main.run(sys.argv[1:])
sys.stderr.write("modules: " + " ".join(sys.modules))
sys.exit(code)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a talosconfig and a machine configuration."""
    folder = tmp_path_factory.mktemp("home")
    imported(folder, "gen", "config", "audit", "https://10.5.0.2:6443", "--force")
    (folder / ".talos").mkdir()
    (folder / "talosconfig").rename(folder / ".talos" / "config")
    return folder


def imported(home: Path, *argv: str) -> set[str]:
    """Modules there are after a command ran, which has to succeed."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *argv],
        cwd=home,
        env={**os.environ, "HOME": str(home), "TALOS_HOME": ""},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("modules: ")[2].split())


@pytest.mark.parametrize(
    ("argv", "banned"),
    [
        (("version", "--client"), RPC | HEAVY),
        (("--help",), RPC | HEAVY),
        (("config", "contexts"), RPC | {"cryptography", "msgspec"}),
        (("config", "info"), RPC | {"msgspec"}),
        (("gen", "secrets", "--force", "-o", "secrets.yaml"), RPC),
        (("validate", "-m", "container", "-c", "controlplane.yaml"), RPC | {"cryptography"}),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_offline_commands_import_little(home: Path, argv: tuple[str, ...], banned: set[str]) -> None:
    assert imported(home, *argv) & banned == set()
