"""Compiles modules to byte code inside the sysroot, with the node's own interpreter version.

    python3.13 -I compile.py JOBS

JOBS is a JSON list of [source, target, name in tracebacks]. Every file is compiled in a child of its own, because the
marshal format records which objects are shared, and what is shared depends on what the process compiled before:
without the fork the same source gives other bytes in another order. Targets are unchecked-hash pycs (PEP 552): no time
stamp, and no look at a source that is not there.
"""

import importlib._bootstrap_external as external
import importlib.util
import json
import os
import sys
from pathlib import Path


def compile_one(source: str, target: str, name: str) -> None:
    """Write the byte code of `source`, without assertions and docstrings."""
    content = Path(source).read_bytes()
    code = compile(content, name, "exec", dont_inherit=True, optimize=2)
    data = external._code_to_hash_pyc(code, importlib.util.source_hash(content), False)
    temporary = Path(f"{target}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.rename(target)


def main() -> int:
    """Compile every job; the number of failures."""
    failures = 0
    for job in json.loads(Path(sys.argv[1]).read_text()):
        pid = os.fork()
        if pid == 0:
            try:
                compile_one(*job)
            except SyntaxError as exc:
                sys.stderr.write(f"{job[0]}: {exc}\n")
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        failures += os.waitstatus_to_exitcode(status) != 0
    return min(failures, 100)


if __name__ == "__main__":
    raise SystemExit(main())
