"""Compiles Python files for the node, each once: results are kept by content, so an edit recompiles one file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from talos.imager import cache
from talos.imager.sysroot import Sysroot

_LAYOUT = 1  # raised when the way of compiling changes
_TIMEOUT_S = 600.0


class Compiler:
    """Turns sources into byte code of the sysroot's Python."""

    def __init__(self, tree: Sysroot, script: Path, log: Path) -> None:
        self._tree, self._script, self._log = tree, script, log
        self._kept = cache.root() / "bytecode"
        version = tree.version("libpython3.13-minimal")
        self._salt = cache.key(_LAYOUT, version, cache.file_sha256(script))

    def _path(self, source: Path, name: str) -> Path:
        digest = cache.key(self._salt, name, cache.file_sha256(source))
        return self._kept / digest[:2] / f"{digest}.pyc"

    def compile(self, sources: Mapping[str, Path]) -> dict[str, Path]:
        """Byte code file for each name in tracebacks; `sources` maps those names to source files.

        Raises `BuildFailed` naming every file that does not compile.
        """
        wanted = {name: self._path(source, name) for name, source in sources.items()}
        missing = {name: target for name, target in wanted.items() if not target.exists()}
        if missing:
            for target in missing.values():
                target.parent.mkdir(parents=True, exist_ok=True)
            jobs = [[str(sources[name]), str(target), name] for name, target in sorted(missing.items())]
            with tempfile.TemporaryDirectory(prefix="pytalos-") as folder:
                job_file = Path(folder) / "jobs.json"
                job_file.write_text(json.dumps(jobs))
                roots = {
                    Path(os.path.commonpath([job[0] for job in jobs])) if len(jobs) > 1 else Path(jobs[0][0]).parent
                }
                argv = ["/usr/bin/python3.13", "-I", str(self._script), str(job_file)]
                self._tree.run(
                    argv,
                    log=self._log,
                    timeout_s=_TIMEOUT_S,
                    shared=[*roots, self._kept, Path(folder), self._script.parent],
                    env={"PYTHONHASHSEED": "0"},
                )
        return wanted
