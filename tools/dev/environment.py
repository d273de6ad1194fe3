"""The checkout's Python environment (`.venv`) and the commands in `bin/`.

Every package comes from requirements/dev.lock with its hash. A stamp records the lock and the interpreter, so that an
unchanged environment costs nothing and needs no network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from talos.imager import cache, command
from talos.imager.progress import Progress
from talos.provision import artifacts

_PIP_TIMEOUT_S = 1800.0


class Environment:
    """The environment of one checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.lock = root / "requirements" / "dev.lock"
        self._stamp_file = self.folder / ".dev-stamp"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def pip(self) -> list[str]:
        """Its pip."""
        return [str(self.python), "-m", "pip"]

    def tool(self, name: str) -> str:
        """Path of an installed program."""
        return str(self.folder / "bin" / name)

    def _stamp(self) -> str:
        lock = hashlib.sha256(self.lock.read_bytes()).hexdigest()
        return f"{lock} {sys.version_info.major}.{sys.version_info.minor} {self.folder}\n"

    def current(self) -> bool:
        """Whether the environment is the one the lock asks for."""
        return self._stamp_file.exists() and self._stamp_file.read_text() == self._stamp() and self.python.exists()

    def prepare(self, progress: Progress) -> None:
        """Make it, or bring it up to the lock."""
        if self.current():
            return
        log = cache.root() / "logs" / "venv.log"
        # Two ./dev at once would install over each other.
        with cache.lock(cache.root() / "venv.lock"), progress.step("Python environment (.venv)"):
            if self.current():
                return
            self._stamp_file.unlink(missing_ok=True)
            if not self._usable():
                shutil.rmtree(self.folder, ignore_errors=True)
                command.run([sys.executable, "-m", "venv", str(self.folder)], log=log, timeout_s=300)
            argv = [*self.pip, "install", "--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(self.lock)]
            command.run(
                argv, log=log, timeout_s=_PIP_TIMEOUT_S, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
            )
            (packages,) = self.folder.glob("lib/python3*/site-packages")
            (packages / "pytalos.pth").write_text(f"{self.root / 'src'}\n")
            self._stamp_file.write_text(self._stamp())

    def _usable(self) -> bool:
        wanted = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.python.exists() and (self.folder / "lib" / wanted / "site-packages" / "pip").is_dir()

    def write_talosctl(self) -> Path:
        """`bin/talosctl`: starts without the site module, which is a quarter of a short command's time."""
        target = self.root / "bin" / "talosctl"
        (packages,) = self.folder.glob("lib/python3*/site-packages")
        _write_script(
            target,
            f"#!{self.python} -IS\n"
            "import sys\n"
            f"sys.path += [{str(self.root / 'src')!r}, {str(packages)!r}]\n"
            "from talos.talosctl.main import entry_point\n"
            "sys.exit(entry_point())\n",
        )
        return target

    def write_kubectl(self, built: artifacts.ArtifactSet) -> Path:
        """`bin/kubectl`: a link to the one of the artifact set."""
        target = self.root / "bin" / "kubectl"
        temporary = target.with_name(f".kubectl.{os.getpid()}")
        temporary.symlink_to(built.program("kubectl"))
        temporary.rename(target)
        return target


def _write_script(target: Path, content: str) -> None:
    target.parent.mkdir(exist_ok=True)
    if target.exists() and target.read_text() == content:
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_text(content)
    temporary.chmod(0o755)
    temporary.rename(target)
