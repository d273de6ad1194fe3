"""The imager's command line: `python -m talos.imager PROFILE`, and `./dev image PROFILE` with the base made first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from talos.base import errors
from talos.imager import cache, output, profile, sysroot
from talos.imager.progress import Progress

CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
_FAILED = 1
_SQUASHFS = b"hsqs"


def _profiles() -> str:
    width = max(len(name) for name in profile.PROFILES)
    return "\n".join(f"  {name.ljust(width)}  {p.about}" for name, p in profile.PROFILES.items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What changes a profile's output."""
    parser.add_argument("--arch", default=profile.ARCHITECTURE, help=f"architecture; {profile.ARCHITECTURE} only")
    parser.add_argument("--platform", default="", help="platform the system is to find itself on")
    parser.add_argument("--output", type=Path, default=Path("_out"), metavar="DIR", help="where to (default: _out)")
    parser.add_argument("--output-kind", default="", metavar="KIND", help=f"one of {', '.join(profile.Kind)}")
    parser.add_argument("--disk-format", default="", metavar="FORMAT", help=f"one of {', '.join(profile.Format)}")
    parser.add_argument("--compression", default="", metavar="NAME", help=f"one of {', '.join(profile.Packing)}")
    parser.add_argument(
        "--extra-kernel-arg",
        action="append",
        default=[],
        metavar="ARG",
        help="add an argument; --extra-kernel-arg=-NAME takes one away, -NAME=VALUE only with that value",
    )
    parser.add_argument("--meta", action="append", default=[], metavar="KEY=VALUE", help="a value in META: 0xa=text")
    parser.add_argument("--embedded-config-path", type=Path, metavar="FILE", help="configuration to build in")
    parser.add_argument("--image-cache", type=Path, metavar="FILE", help="container images, packed as squashfs")
    parser.add_argument("--image-name", default=output.INSTALLER, metavar="REF", help="name in an installer's archive")


def check_configuration(content: bytes) -> None:
    """Raises Invalid for what a machine would refuse when it starts."""
    from talos.machinery.config import loader

    loader.load(content, name="embedded configuration")


def order(options: argparse.Namespace) -> profile.Order:
    """What the options ask for. Raises Invalid, OSError."""
    configuration = None
    if options.embedded_config_path is not None:
        configuration = options.embedded_config_path.read_bytes()
        check_configuration(configuration)
    if options.image_cache is not None:
        with options.image_cache.open("rb") as packed:
            if packed.read(4) != _SQUASHFS:
                raise errors.Invalid(f"{options.image_cache} is no squashfs")
    return profile.order(
        options.profile,
        kind=options.output_kind,
        platform=options.platform,
        architecture=options.arch,
        disk_format=options.disk_format,
        packing=options.compression,
        kernel_arguments=options.extra_kernel_arg,
        meta=options.meta,
        configuration=configuration,
        images=options.image_cache,
    )


def run(options: argparse.Namespace, base: output.Base, progress: Progress) -> Path:
    """Make the output; its path. Raises the errors of `profile`, OSError."""
    return output.make(order(options), base, options.output.resolve(), progress, name=options.image_name)


def _newest() -> Path:
    found = cache.Cache("machines").folder / "current"
    if not found.exists():
        raise errors.NotFound("no machine image was made yet: run ./dev image --vm")
    return found.resolve()


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="imager",
        description="Make an image from the newest machine image.",
        epilog=f"profiles:\n{_profiles()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("profile", metavar="PROFILE")
    parser.add_argument("--base", type=Path, metavar="DIR", help="folder of a machine image (default: the newest)")
    add_arguments(parser)
    options = parser.parse_args(argv)
    progress = Progress(sys.stderr)
    try:
        order(options)
        tree = sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=cache.root() / "logs" / "sysroot-machine.log")
        made = run(options, output.find_base(options.base or _newest(), tree.path), progress)
    except (errors.TalosError, OSError) as exc:
        sys.stderr.write(f"imager: {exc}\n")
        return _FAILED
    sys.stdout.write(f"{made}\n")
    return 0
