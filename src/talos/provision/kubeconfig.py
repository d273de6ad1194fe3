"""A person's kubeconfig: a cluster's context merged into it, and taken out again.

Merging never overwrites: a name that is taken by something else gets the suffix -1, -2, …; what is there already in
the same words is used. The merges are pure functions on the parsed file (client-go's format); files are locked as
kubectl locks them, read, and replaced as a whole with mode 0600. Other files that need the lock use `locked`, too.
"""

from __future__ import annotations

import contextlib
import copy
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from talos.base import errors
from talos.k8s import encode

Content = dict[str, Any]

_LOCK_MARK = b"talos\n"
_LOCK_TIMEOUT_S = 10.0
# kubectl leaves its lock behind when it is killed; nobody holds one for longer than an instant.
_STALE_LOCK_S = 30.0
_KUBE_SECTIONS = (("clusters", "cluster"), ("users", "user"))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Dates stay text, as in the files' own readers."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def default_path(environment: Mapping[str, str] | None = None) -> Path:
    """The file kubectl would write to: of a list in KUBECONFIG the first that exists, else its last."""
    variables = os.environ if environment is None else environment
    listed = [Path(part) for part in variables.get("KUBECONFIG", "").split(os.pathsep) if part]
    if not listed:
        return Path(variables.get("HOME") or Path.home()) / ".kube" / "config"
    return next((path for path in listed if path.exists()), listed[-1])


def digest(value: object) -> str:
    """Tells whether an entry is still the one that was added."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def free_name(wanted: str, taken: Callable[[str], bool]) -> str:
    """`wanted`, or with the first suffix that is not taken."""
    if not taken(wanted):
        return wanted
    number = 1
    while taken(f"{wanted}-{number}"):
        number += 1
    return f"{wanted}-{number}"


# --- kubeconfig


def merge(content: Content, added: Mapping[str, Any]) -> str:
    """Add the one context of another kubeconfig with its cluster and user and make it current; returns its name."""
    content.setdefault("apiVersion", "v1")
    content.setdefault("kind", "Config")
    content.setdefault("preferences", {})
    (context,) = added["contexts"]
    inner = dict(context["context"])
    for section, key in _KUBE_SECTIONS:
        entry = next(one for one in added[section] if one["name"] == inner[key])
        inner[key] = _put(content, section, key, entry["name"], entry[key])
    name = _put(content, "contexts", "context", context["name"], inner)
    content["current-context"] = name
    return name


def _put(content: Content, section: str, key: str, wanted: str, value: object) -> str:
    entries = _entries(content, section)
    known = {entry.get("name"): entry.get(key) for entry in entries}
    name = free_name(wanted, lambda one: one in known and known[one] != value)
    if name not in known:
        entries.append({"name": name, key: copy.deepcopy(value)})
    return name


def _entries(content: Content, section: str) -> list[dict[str, Any]]:
    found = content.get(section)
    if not isinstance(found, list):
        found = content[section] = []
    return found


def digest_of(content: Content, context: str) -> str:
    """Digest of the credentials behind a context (a person may change the rest); empty when there is none."""
    inner = next((e.get("context") for e in _entries(content, "contexts") if e.get("name") == context), None)
    if not isinstance(inner, dict):
        return ""
    found = {key: _value(content, section, key, inner.get(key)) for section, key in _KUBE_SECTIONS}
    return digest([found["cluster"].get("certificate-authority-data"), found["user"]])


def _value(content: Content, section: str, key: str, name: object) -> dict[str, Any]:
    value = next((e.get(key) for e in _entries(content, section) if e.get("name") == name), None)
    return value if isinstance(value, dict) else {}


def remove(content: Content, name: str, wanted_digest: str, previous: str) -> bool:
    """Take a context out with its cluster and user, unless another context uses those. False: it is not ours."""
    if digest_of(content, name) != wanted_digest:
        return False
    contexts = _entries(content, "contexts")
    (gone,) = [entry for entry in contexts if entry.get("name") == name]
    contexts.remove(gone)
    for section, key in _KUBE_SECTIONS:
        target = gone["context"].get(key)
        if not any(isinstance(e.get("context"), dict) and e["context"].get(key) == target for e in contexts):
            content[section] = [entry for entry in _entries(content, section) if entry.get("name") != target]
    if content.get("current-context") == name:
        content["current-context"] = previous if any(e.get("name") == previous for e in contexts) else ""
    return True


def is_empty(content: Content) -> bool:
    """Nothing a person would miss is in the file."""
    return not any(content.get(key) for key in ("contexts", "clusters", "users"))


# --- files


def parse(text: str, name: str = "") -> Content:
    """Raises Invalid."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        raise errors.Invalid([errors.Problem(f"not YAML: {error}", where=name)]) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise errors.Invalid([errors.Problem("not a mapping", where=name)])
    return content


def read(path: Path) -> Content:
    """The parsed file; empty when there is none. Raises Invalid, OSError."""
    try:
        return parse(path.read_text(), str(path))
    except FileNotFoundError:
        return {}


def write(path: Path, content: Content) -> None:
    """Replace the file (the one behind a symbolic link) as a whole, mode 0600."""
    target = Path(os.path.realpath(path))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w") as opened:
            opened.write(encode.to_yaml(content))
            opened.flush()
            os.fsync(opened.fileno())
        if target.exists():
            owner = target.stat()
            os.chown(temporary, owner.st_uid, owner.st_gid)
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(path: Path, timeout_s: float = _LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold `<file>.lock`, as kubectl does. Makes the folder. Raises Conflict when somebody else keeps it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + timeout_s
    while (held := _make_lock(lock)) < 0:
        if _break_dead(lock):
            continue
        if time.monotonic() > deadline:
            raise errors.Conflict(f"{path} is locked by another program ({lock})") from None
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(held)


def _make_lock(lock: Path) -> int:
    """Make the file, locked by flock(2) and marked as ours from its first moment; a negative number if it is there."""
    try:
        fd = os.open(lock.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:  # a file system without nameless files
        try:
            return os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return -1
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, _LOCK_MARK)
        # With a directory given, link(2) is linkat(2), which follows the link to the nameless file.
        os.link(f"/proc/self/fd/{fd}", lock, src_dir_fd=fd, follow_symlinks=True)
    except BaseException as error:
        os.close(fd)
        if isinstance(error, FileExistsError):
            return -1
        raise
    return fd


def _break_dead(lock: Path) -> bool:
    """Remove the lock of an owner that is gone: told for sure of our own locks, by its age of others.

    Who removes one holds flock(2) on it, its owner does too, so what is removed is the file that was looked at.
    """
    try:
        with lock.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            seen, now = os.fstat(opened.fileno()), lock.stat()
            if (seen.st_dev, seen.st_ino) != (now.st_dev, now.st_ino):
                return True
            if opened.read(64) != _LOCK_MARK and time.time() - now.st_mtime <= _STALE_LOCK_S:
                return False
            lock.unlink()
            return True
    except OSError:
        return False


def tidy(path: Path) -> None:
    """Remove what commands that were killed left beside the file, and the folder when that is all there is."""
    if not path.parent.is_dir():
        return
    with locked(path):
        for left in path.parent.glob(f".{path.name}.*"):
            pid = left.name.removeprefix(f".{path.name}.").partition(".")[0]
            if pid.isdigit() and not Path(f"/proc/{pid}").exists():
                left.unlink(missing_ok=True)
    if path.parent.name in (".kube", ".talos"):
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def current_context(content: Content) -> str:
    """Name of the context in use, empty without one."""
    return str(content.get("current-context") or "")


def rename(content: Content, name: str) -> None:
    """Give the context in use another name."""
    old = current_context(content)
    for entry in _entries(content, "contexts"):
        if entry.get("name") == old:
            entry["name"] = name
    content["current-context"] = name


def drop(content: Content, name: str) -> None:
    """Remove a context with its cluster and user, if it is there, so that another can take its place."""
    found = next((e for e in _entries(content, "contexts") if e.get("name") == name), None)
    if found is None:
        return
    inner = found.get("context") or {}
    _entries(content, "contexts").remove(found)
    for section, key in _KUBE_SECTIONS:
        content[section] = [e for e in _entries(content, section) if e.get("name") != inner.get(key)]
