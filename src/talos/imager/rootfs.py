"""Puts a node's root filesystem together and packs it as squashfs.

In two stages, because one changes with every edit and the other with a release. The base holds everything but our own
Python code: programs, their libraries, the standard library, the wheels; it is kept unpacked in the cache. The image is
the base, our byte code and os-release. Order, owners and times are fixed, so the same inputs give the same bytes
anywhere.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from talos.base.constants import versions
from talos.imager import bytecode, cache, contents, elf, images, manifest, sbom, tarlayer, wheels
from talos.imager.components import Built
from talos.imager.sysroot import Sysroot
from talos.init import bundle

_LAYOUT = 10  # raised when the way of putting together changes
_STDLIB = "usr/lib/python3.13"
_PYC_HEAD = 16  # PEP 552: magic, flags, and hash or time and size
_SITE = "usr/lib/pytalos/site"
_APP = "usr/lib/pytalos/app"
_TOOL_TIMEOUT_S = 900.0
_MATERIALS = "materials.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where the inputs are, and how hard to compress (zstd level)."""

    checkout: Path
    tree: Sysroot
    built: Built
    pip: Sequence[str]
    log: Path
    level: int = 3

    @property
    def folder(self) -> Path:
        """The room's own files."""
        return self.checkout / "rootfs"

    def compiler(self) -> bytecode.Compiler:
        """The byte code compiler of the tree."""
        return bytecode.Compiler(self.tree, self.folder / "compile.py", self.log)


def os_release() -> bytes:
    """Content of os-release(5)."""
    version = versions.RELEASE
    lines = [
        'NAME="PyTalos"',
        "ID=pytalos",
        f"VERSION_ID={version}",
        f'PRETTY_NAME="PyTalos ({version})"',
        "VARIANT_ID=node",
        "IMAGE_ID=pytalos",
        f"IMAGE_VERSION={version}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _place(source: Path, root: Path, path: str, mode: int) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source.resolve(), target)
    target.chmod(mode)


def _launcher(recipe: Recipe, folder: Path) -> Path:
    source, output = recipe.folder / "launcher", folder / "launcher"
    argv = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIE", "-pie", "-s", "-Wl,-z,relro,-z,now,--build-id=none"]
    argv += ["-I/usr/include/python3.13", "launcher.c", "-o", str(output), "-lpython3.13"]
    recipe.tree.run(argv, log=recipe.log, timeout_s=_TOOL_TIMEOUT_S, shared=[source, folder], cwd=source)
    return output


def _programs(recipe: Recipe, table: contents.Contents, scratch: Path, root: Path, made: sbom.Materials) -> None:
    components = _component_packages(recipe)
    for program in table.programs:
        if program.built:
            source, package = _launcher(recipe, scratch), sbom.own()
        elif program.component:
            source, package = recipe.built.path(program.component), components[program.component]
        else:
            source, package = recipe.tree.path / program.path.lstrip("/"), sbom.debian(recipe.tree, program.package)
        made.add(program.path, package)
        # Mode 0755 throughout: Debian's setuid bits of mount and umount do not come along.
        _place(source, root, program.path, 0o755)
    for path in table.libraries:
        made.add(path, sbom.library_package(recipe.tree, path))
        _place(recipe.tree.path / path.lstrip("/"), root, path, 0o644)


def _component_packages(recipe: Recipe) -> dict[str, sbom.Package]:
    """Program -> the component it is built from; all of them are under the licence this project has."""
    found = {}
    for name, component in manifest.load(recipe.checkout / "components" / "manifest.toml").items():
        package = sbom.Package(name, component.version, "Apache-2.0", f"pkg:generic/{name}@{component.version}")
        found.update(dict.fromkeys(component.programs, package))
    return found


def modules(top: Path, prefix: str, leave_out: Sequence[str] = ()) -> Iterator[tuple[str, Path]]:
    """(path below `top`, file) of each Python source whose first component, less its suffix, is not left out."""
    for path in sorted(top.rglob("*.py")):
        inside = path.relative_to(top)
        first = inside.parts[0].removesuffix(".py")
        if first not in leave_out and "__pycache__" not in inside.parts:
            yield f"{prefix}/{inside}", path


def _compile_into(recipe: Recipe, root: Path, sources: Mapping[str, Path]) -> None:
    for name, compiled in recipe.compiler().compile({f"/{path}": source for path, source in sources.items()}).items():
        _place(compiled, root, f"{name}c", 0o644)


def _standard_library(recipe: Recipe, table: contents.Contents, root: Path, made: sbom.Materials) -> None:
    top, package = recipe.tree.path / _STDLIB, sbom.debian(recipe.tree, "libpython3.13-stdlib")
    sources = dict(modules(top, _STDLIB, table.python.leave_out_stdlib))
    _compile_into(recipe, root, sources)
    for path in sources:
        made.add(f"{path}c", package)
    for extension in sorted((top / "lib-dynload").glob("*.so")):
        if not extension.name.startswith(table.python.leave_out_extensions):
            made.add(f"{_STDLIB}/lib-dynload/{extension.name}", package)
            _place(extension, root, f"/{_STDLIB}/lib-dynload/{extension.name}", 0o644)


def _wheels(recipe: Recipe, table: contents.Contents, scratch: Path, root: Path, made: sbom.Materials) -> None:
    site = scratch / "site"
    fetched = wheels.fetch(recipe.checkout / "requirements" / "runtime.lock", recipe.pip, recipe.log)
    packages = wheels.materials(fetched)
    wheels.unpack(fetched, site)

    def wanted(path: Path) -> bool:
        inside = str(path.relative_to(site))
        return not any(fnmatch.fnmatch(inside, pattern) for pattern in table.python.leave_out_wheels)

    files = sorted(path for path in site.rglob("*") if path.is_file() and wanted(path))
    _compile_into(recipe, root, {f"{_SITE}/{p.relative_to(site)}": p for p in files if p.suffix == ".py"})
    for path in files:
        compiled = "c" if path.suffix == ".py" else ""
        made.add(f"{_SITE}/{path.relative_to(site)}{compiled}", packages[str(path.relative_to(site))])
        if not compiled:
            _place(path, root, f"/{_SITE}/{path.relative_to(site)}", 0o644)
    _strip(recipe, root, [root / _SITE / path.relative_to(site) for path in files if path.suffix == ".so"])


def _strip(recipe: Recipe, root: Path, extensions: Sequence[Path]) -> None:
    """Take symbol tables and debug information from extension modules: half of what wheels bring."""
    argv = ["strip", "--strip-unneeded", "--enable-deterministic-archives", *map(str, extensions)]
    recipe.tree.run(argv, log=recipe.log, timeout_s=_TOOL_TIMEOUT_S, shared=[root])


def _libraries(recipe: Recipe, root: Path, made: sbom.Materials) -> None:
    """Add what the files in `root` need, until nothing is missing. A wheel's own libraries lie beside its modules."""
    present = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    for path in sorted(elf.closure(recipe.tree.path, present, images.LIBRARIES)):
        if not (root / path.lstrip("/")).exists():
            made.add(path, sbom.library_package(recipe.tree, path))
            _place(recipe.tree.path / path.lstrip("/"), root, path, 0o755 if "/ld-" in path else 0o644)


def _skeleton(recipe: Recipe, table: contents.Contents, root: Path) -> None:
    for path, mode in table.folders.items():
        folder = root / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    for path, data in {
        **table.files,
        "/etc/ssl/certs/ca-certificates.crt": images.certificates(recipe.tree.path),
    }.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o644)
    for path, aim in table.links.items():
        link = root / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(aim)


def _fill_base(recipe: Recipe, folder: Path) -> None:
    table = contents.load(recipe.folder / "contents.toml")
    root, scratch = folder / "root", folder / "scratch"
    root.mkdir(mode=0o755)
    scratch.mkdir()
    made = sbom.Materials()
    _programs(recipe, table, scratch, root, made)
    _standard_library(recipe, table, root, made)
    _wheels(recipe, table, scratch, root, made)
    _libraries(recipe, root, made)
    _skeleton(recipe, table, root)
    for path in table.files:
        made.add(path, sbom.own())
    made.add("etc/ssl/certs/ca-certificates.crt", sbom.debian(recipe.tree, "ca-certificates"))
    shutil.rmtree(scratch)
    present = _regular(root)
    # Byte code goes into one file of ours; what of it remains is settled by `fill`.
    hashed = {name: sbom.hashes(path) for name, path in present.items() if path.suffix != ".pyc"}
    sbom.save(made, hashed, folder / _MATERIALS)


def _regular(root: Path) -> dict[str, Path]:
    """Path without leading slash -> file, for all of a tree but links."""
    found = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(root)): path for path in found}


def _bill(root: Path, materials: Path) -> None:
    """Write the bill of materials; hashes of what the base has are not made again."""
    made, known = sbom.load(materials)
    files = {}
    for name, path in _regular(root).items():
        files[name] = known.get(name) or sbom.hashes(path)
        if name.startswith((_APP, "usr/lib/os-release", bundle.PATH.lstrip("/"))):
            made.add(name, sbom.own())
    target = root / sbom.PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(sbom.document(made, files))
    target.chmod(0o644)


def base(recipe: Recipe) -> Path:
    """The unpacked base, from the cache or made now."""
    inputs = [recipe.checkout / "requirements" / "runtime.lock", *sorted(recipe.folder.rglob("*"))]
    hashes = [[str(path.relative_to(recipe.checkout)), cache.file_sha256(path)] for path in inputs if path.is_file()]
    name = cache.key(_LAYOUT, hashes, dict(recipe.built.keys), recipe.tree.describe())
    return cache.Cache("rootfs-bases").build(name, lambda folder: _fill_base(recipe, folder), sync=False)


def _application(recipe: Recipe) -> dict[str, Path]:
    table = contents.load(recipe.folder / "contents.toml")
    top = recipe.checkout / "src" / "talos"
    return dict(modules(top, f"{_APP}/talos", table.python.leave_out_rooms))


def _data_files(recipe: Recipe) -> dict[str, Path]:
    """Files beside the modules that the code reads (JSON tables, templates)."""
    table = contents.load(recipe.folder / "contents.toml")
    top = recipe.checkout / "src" / "talos"
    return {
        f"{_APP}/talos/{path.relative_to(top)}": path
        for path in sorted(top.rglob("*"))
        if path.is_file()
        and path.suffix not in {".py", ".pyc", ".pyi"}
        and path.relative_to(top).parts[0] not in table.python.leave_out_rooms
    }


def _bundle(root: Path) -> None:
    """Put all byte code into the daemons' one file (talos.init.bundle).

    Files of their own stay where PID 1 imports from: its own modules and the standard library.
    """
    modules = []
    for place, remains in ((_STDLIB, ("",)), (_SITE, ()), (_APP, ("talos/__init__.pyc", "talos/init/"))):
        top = root / place
        for path in sorted(top.rglob("*.pyc")):
            inside = str(path.relative_to(top))
            parts = inside.removesuffix(".pyc").split("/")
            package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if package else parts)
            modules.append((name, package, f"/{place}/{inside}", path.read_bytes()[_PYC_HEAD:]))
            if not inside.startswith(remains):
                path.unlink()
    target = root / bundle.PATH.lstrip("/")
    target.write_bytes(bundle.pack(modules))
    target.chmod(0o644)


def _squash(recipe: Recipe, root: Path, output: Path) -> None:
    argv = ["mksquashfs", str(root), str(output), "-noappend", "-no-progress", "-quiet", "-no-xattrs", "-all-root"]
    # Without fragments: packed together, a module's byte code would be read with 256 KiB of its neighbours each time.
    argv += ["-comp", "zstd", "-Xcompression-level", str(recipe.level), "-b", "256K", "-no-fragments"]
    argv += ["-all-time", str(tarlayer.EPOCH), "-mkfs-time", str(tarlayer.EPOCH)]
    recipe.tree.run(argv, log=recipe.log, timeout_s=_TOOL_TIMEOUT_S, shared=[root, output.parent])


def fill(recipe: Recipe, folder: Path) -> None:
    """Make `rootfs.sqsh` in `folder`."""
    root = folder / "root"
    # Links instead of copies: the base is only read.
    shutil.copytree(base(recipe) / "root", root, symlinks=True, copy_function=os.link)
    _compile_into(recipe, root, _application(recipe))
    for path, source in _data_files(recipe).items():
        _place(source, root, path, 0o644)
    _bundle(root)
    release = root / "usr/lib/os-release"
    release.write_bytes(os_release())
    release.chmod(0o644)
    _bill(root, base(recipe) / _MATERIALS)
    _squash(recipe, root, folder / "rootfs.sqsh")
    shutil.rmtree(root)


def key(recipe: Recipe) -> str:
    """Changes with everything that decides the image's bytes."""
    sources = {**_application(recipe), **_data_files(recipe)}
    hashes = [[path, cache.file_sha256(source)] for path, source in sources.items()]
    return cache.key(_LAYOUT, base(recipe).name, hashes, os_release().decode(), recipe.level)


def cached(recipe: Recipe) -> bool:
    """Whether the packed root filesystem is there. May make the base."""
    return cache.Cache("rootfs").get(key(recipe)) is not None


def build(recipe: Recipe) -> Path:
    """The packed root filesystem, from the cache or made now."""
    kept = cache.Cache("rootfs").build(key(recipe), lambda folder: fill(recipe, folder), sync=False)
    return kept / "rootfs.sqsh"
