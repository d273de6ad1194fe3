"""Where the node's daemons import from: one file with the byte code of every module.

A daemon imports some nine hundred modules. Looked up and read one by one on a compressed file system, that costs more
than running them; from one file with an index at its head it costs next to nothing. The launcher calls `install` before
the daemon's own module. PID 1 does without it, and so does whatever is not in the file (extension modules).

    8 bytes   length of the index, little-endian
    index     marshal: {module: (is a package, offset from the end of the index, length, path for tracebacks)}
    codes     marshal, one after the other
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import machinery, util
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.abc import Loader

PATH: Final = "/usr/lib/pytalos/modules"
_HEAD: Final = 8
Index = dict[str, tuple[bool, int, int, str]]


class Bundle:
    """An open file of modules."""

    def __init__(self, path: str) -> None:
        """Read the index. Raises OSError, ValueError for something else than a bundle."""
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        length = int.from_bytes(os.pread(self._fd, _HEAD, 0), "little")
        self._start = _HEAD + length
        self.index: Index = marshal.loads(os.pread(self._fd, length, _HEAD))  # noqa: S302  (our own file)

    def close(self) -> None:
        """Close the file; nothing can be imported from it any more."""
        os.close(self._fd)

    def code(self, name: str) -> CodeType:
        """The code of a module. Raises KeyError, OSError, ValueError."""
        _, offset, length, _ = self.index[name]
        found = marshal.loads(os.pread(self._fd, length, self._start + offset))  # noqa: S302
        assert isinstance(found, CodeType)
        return found


class _Loader(machinery.SourcelessFileLoader):
    """Loads as if from the file named in tracebacks; data files beside the module are found there."""

    def __init__(self, name: str, path: str, bundle: Bundle) -> None:
        super().__init__(name, path)
        self._bundle = bundle

    def get_code(self, fullname: str) -> CodeType | None:
        return self._bundle.code(fullname)


class Finder:
    """Entry of sys.meta_path."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> machinery.ModuleSpec | None:
        """The spec of a module in the bundle; None leaves it to the next finder."""
        entry = self._bundle.index.get(name)
        if entry is None:
            return None
        package, _, _, file = entry
        loader: Loader = _Loader(name, file, self._bundle)
        return util.spec_from_file_location(
            name, file, loader=loader, submodule_search_locations=[os.path.dirname(file)] if package else None
        )


def install(path: str = PATH) -> None:
    """Import from the bundle from now on; built-in and frozen modules still come first."""
    sys.meta_path.insert(2, Finder(Bundle(path)))


def pack(modules: Iterable[tuple[str, bool, str, bytes]]) -> bytes:
    """The file for modules given as (name, is a package, path for tracebacks, marshalled code)."""
    index: Index = {}
    codes, offset = [], 0
    for name, package, path, code in sorted(modules):
        index[name] = (package, offset, len(code), path)
        codes.append(code)
        offset += len(code)
    # Version 2 knows no references between objects, which depend on more than the content.
    head = marshal.dumps(index, 2)
    return len(head).to_bytes(_HEAD, "little") + head + b"".join(codes)
