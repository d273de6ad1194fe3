"""The command line of `./dev`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.dev import build, host, lanes
from tools.dev.environment import Environment

from talos.base import errors
from talos.imager import cache, output, profile
from talos.imager import errors as build_errors
from talos.imager import main as imager
from talos.imager.progress import Progress

ROOT = Path(__file__).resolve().parent.parent.parent
_CODES: tuple[tuple[type[Exception], int], ...] = (
    (errors.Denied, 4),
    (build_errors.NetworkMissing, 5),
    (errors.Conflict, 7),
)

_EPILOG = """\
With apt this installs, when absent: {packages}.
Everything else lands in this checkout (.venv, bin) and in {cache} (see ./dev clean).
Debian 12 and 13 and Ubuntu 24.04 are supported, on amd64. Go is taken from PATH when it is 1.26.6 or a newer 1.26, else
fetched from PyPI. Logs of the builders: {cache}/logs.
"""


class Session:
    """What the subcommands share."""

    def __init__(self) -> None:
        self.progress = Progress(sys.stderr)
        self.environment = Environment(ROOT)
        self.workshop = build.Workshop(self.environment, self.progress)
        self._started = time.monotonic()

    def basics(self) -> None:
        """Host packages and the Python environment."""
        host.require_architecture()
        host.prepare(self.progress)
        self.environment.prepare(self.progress)
        self.environment.write_talosctl()

    def whole(self) -> None:
        """Everything a cluster needs; says where the commands are and what took how long."""
        host.require_root("building the root filesystem and running a cluster")
        self.basics()
        built = self.workshop.artifact_set()
        self.environment.write_kubectl(built)
        self.progress.note(
            f"  ready in {time.monotonic() - self._started:.1f} s: {ROOT}/bin/talosctl, {ROOT}/bin/kubectl"
        )


def _setup(session: Session, _: argparse.Namespace) -> int:
    session.whole()
    return 0


def _cluster(session: Session, options: argparse.Namespace) -> int:
    session.whole()
    sys.stderr.flush()
    talosctl = str(ROOT / "bin" / "talosctl")
    os.execv(talosctl, [talosctl, "cluster", "create", *options.rest])


def _components(session: Session, options: argparse.Namespace) -> int:
    host.require_root("building components")
    session.basics()
    names = options.names or None
    if options.verify:
        found = session.workshop.verify(names)
        print(f"{len(found)} artefacts built again from nothing: the bytes that components/lock.json records")
        return 0
    builder, built = session.workshop.build_components(names)
    lock = session.workshop.lock()
    found = session.workshop.digests(builder, built) if names is None else {}
    if options.update_lock:
        lock.update(builder.go.version, found)
    elif lines := lock.differences(builder.go.version, found):
        print("differs from components/lock.json (--update-lock records it):", *lines, sep="\n  ", file=sys.stderr)
    for name, path in built.programs.items():
        print(f"{name}\t{path}")
    return 0


def _image(session: Session, options: argparse.Namespace) -> int:
    host.require_root("building the root filesystem")
    if options.profile is not None:
        imager.order(options)  # what makes no sense is said before anything is built
    session.basics()
    level = options.level or (build.RELEASE_LEVEL if options.release else build.DEVELOPMENT_LEVEL)
    made = session.workshop.artifact_set(level)
    session.environment.write_kubectl(made)
    print(made.folder)
    if options.vm:
        print(session.workshop.machine_image(level))
    if options.profile is not None:
        base = output.find_base(session.workshop.machine_image(level), session.workshop.machine_tree().path)
        print(imager.run(options, base, session.progress))
    return 0


def _check(session: Session, _: argparse.Namespace) -> int:
    session.basics()
    return lanes.check(session.environment, session.progress)


def _test(session: Session, options: argparse.Namespace) -> int:
    session.whole()
    session.workshop.machine_image()
    arguments = list(options.rest)
    if "--vm" in arguments or "--vm-full" in arguments:
        # Both choose the folder; the second also what takes minutes.
        arguments = [argument for argument in arguments if argument != "--vm"] + ["tests/vm"]
    return lanes.test(session.environment, arguments)


def _bench(session: Session, options: argparse.Namespace) -> int:
    session.whole()
    return lanes.delegate(session.environment, ROOT / "bench" / "run.py", options.rest)


def _features(session: Session, options: argparse.Namespace) -> int:
    session.basics()
    return lanes.delegate(session.environment, ROOT / "tests" / "features.py", options.rest, module="tests.features")


def _lock(session: Session, _: argparse.Namespace) -> int:
    session.basics()
    for name in ("runtime", "dev"):
        argv = [session.environment.tool("uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        argv += ["--generate-hashes", "--upgrade", "--custom-compile-command", "./dev lock"]
        subprocess.run([*argv, "-o", f"{name}.lock", f"{name}.in"], cwd=ROOT / "requirements", check=True, timeout=600)
    return 0


def _clean(_: Session, options: argparse.Namespace) -> int:
    for path in build.prune(everything=options.all):
        print(f"removed {cache.root() / path}")
    return 0


_PASS_ON = "further arguments are passed on"
COMMANDS: tuple[tuple[str, Callable[[Session, argparse.Namespace], int], str, bool], ...] = (
    ("cluster", _cluster, f"set up, then talosctl cluster create; {_PASS_ON}", True),
    (
        "test",
        _test,
        "set up, then every test, a skip being a failure; --vm: those in virtual machines, --vm-full: also the long"
        f" ones; {_PASS_ON} to pytest",
        True,
    ),
    ("check", _check, "format, lint, types, import contract, generated files", False),
    ("bench", _bench, f"set up, then the measurements in bench/; {_PASS_ON}", True),
    ("features", _features, f"which features of the original the last test run showed; {_PASS_ON}", True),
    ("components", _components, "compile the Go components", False),
    (
        "image",
        _image,
        "build components, images and root filesystem, and what a profile asks for; prints what was made",
        False,
    ),
    ("setup", _setup, "everything that cluster does before it creates one", False),
    ("lock", _lock, "renew requirements/*.lock", False),
    ("clean", _clean, "remove superseded build results", False),
)


def _parser() -> argparse.ArgumentParser:
    epilog = _EPILOG.format(packages=", ".join(p.name for p in host.PACKAGES), cache=cache.root())
    parser = argparse.ArgumentParser(
        prog="./dev", description=__doc__, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, function, text, passes_on in COMMANDS:
        command = commands.add_parser(name, help=text, description=text, add_help=not passes_on, prefix_chars="-")
        command.set_defaults(function=function, rest=[])
        if name == "components":
            command.add_argument("names", nargs="*", help="only these")
            command.add_argument(
                "--verify", action="store_true", help="build from nothing and compare with the lock file"
            )
            command.add_argument("--update-lock", action="store_true", help="record the SHA-256 of every artefact")
        elif name == "image":
            command.add_argument("--release", action="store_true", help="compress as for a release (slow)")
            command.add_argument("--level", type=int, help="zstd level instead")
            command.add_argument("--vm", action="store_true", help="also the disk image of a machine")
            command.add_argument("profile", nargs="?", metavar="PROFILE", help=f"one of {', '.join(profile.PROFILES)}")
            imager.add_arguments(command)
        elif name == "clean":
            command.add_argument("--all", action="store_true", help="also components, sysroot, wheels and Go's caches")
    return parser


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    passing = {name for name, _, _, passes_on in COMMANDS if passes_on}
    if argv and argv[0] in passing and argv[1:2] not in (["-h"], ["--help"]):
        options = _parser().parse_args(argv[:1])
        # The measurements have arguments of their own on either side of it.
        options.rest = [argument for argument in argv[1:] if argument != "--" or argv[0] == "bench"]
        return options
    if argv and argv[0] in passing:
        text = next(text for name, _, text, _ in COMMANDS if name == argv[0])
        print(f"usage: ./dev {argv[0]} [ARGUMENT …]\n\n{text}")
        raise SystemExit(0)
    return _parser().parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run one subcommand; its exit code."""
    try:
        options = _parse(argv)
        return int(options.function(Session(), options))
    except KeyboardInterrupt:
        print("\n./dev: interrupted; the next run goes on where this one was", file=sys.stderr)
        return 130
    except (errors.TalosError, OSError) as exc:
        print(f"./dev: {exc}", file=sys.stderr)
        return next((code for kind, code in _CODES if isinstance(exc, kind)), 1)
