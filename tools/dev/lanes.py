"""Checks, tests and measurements: started in the checkout's environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.dev.environment import Environment

from talos.base import errors
from talos.imager.progress import Progress

_CHECK_TIMEOUT_S = 300.0


def _checks(environment: Environment) -> list[tuple[str, list[str]]]:
    python = str(environment.python)
    return [
        # The slowest first: the others run beside it.
        ("types", [environment.tool("mypy")]),
        ("format", [environment.tool("ruff"), "format", "--check", "--quiet", "."]),
        ("lint", [environment.tool("ruff"), "check", "--quiet", "."]),
        ("import contract", [environment.tool("lint-imports"), "--no-logo"]),
        ("types of ./dev", [environment.tool("mypy"), "--explicit-package-bases", "-p", "tools.dev"]),
        ("generated files", [python, "tools/generate.py", "--check"]),
    ]


def check(environment: Environment, progress: Progress) -> int:
    """Run every check; output is shown of those that fail. 0 when none did."""
    started = time.monotonic()
    env = {**os.environ, "MYPYPATH": f"{environment.root / 'src'}:{environment.root}", "NO_COLOR": "1"}
    checks = _checks(environment)
    types = subprocess.Popen(
        checks[0][1], cwd=environment.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    failed = 0
    for name, argv in checks[1:]:
        ended = subprocess.run(
            argv, cwd=environment.root, env=env, capture_output=True, text=True, timeout=_CHECK_TIMEOUT_S, check=False
        )
        failed += _report(progress, name, ended.returncode, ended.stdout + ended.stderr)
    output, _ = types.communicate(timeout=_CHECK_TIMEOUT_S)
    failed += _report(progress, checks[0][0], types.returncode, output)
    progress.note(f"  {len(checks) - failed} of {len(checks)} checks passed in {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


def _report(progress: Progress, name: str, code: int, output: str) -> int:
    progress.note(f"  {'✓' if code == 0 else '✗'} {name}")
    if code != 0:
        progress.note(output.rstrip())
    return int(code != 0)


def test(environment: Environment, arguments: Sequence[str]) -> int:
    """Become pytest, so that its summary is the last line."""
    sys.stderr.flush()
    python = str(environment.python)
    argv = [python, "-m", "pytest", "--strict-skips"]
    if not any(not argument.startswith("-") for argument in arguments):
        argv += ["--features-out", "build/features.json"]
    os.chdir(environment.root)
    os.environ["PATH"] = f"{environment.root / 'bin'}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    os.execv(python, [*argv, *arguments])


def delegate(environment: Environment, script: Path, arguments: Sequence[str], *, module: str = "") -> int:
    """Run a script of the tree, or a module, in the environment; its exit code."""
    if not script.exists():
        raise errors.NotFound(f"{script.relative_to(environment.root)} is not in this checkout")
    chosen = ["-m", module] if module else [str(script)]
    env = {**os.environ, "PATH": f"{environment.root / 'bin'}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    argv = [str(environment.python), *chosen, *arguments]
    return subprocess.run(argv, cwd=environment.root, env=env, check=False).returncode
