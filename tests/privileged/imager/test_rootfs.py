"""The root filesystem as it was packed: mounted, and asked what a node would."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.dev import build
from tools.dev.environment import Environment

from talos.base.constants import versions
from talos.imager import cache, contents, elf, images, rootfs, sbom, sysroot
from talos.imager.progress import Progress
from talos.init import bundle
from talos.provision import artifacts

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_loop, pytest.mark.needs_artifacts]
ROOT = Path(__file__).resolve().parents[3]
TABLE = ROOT / "rootfs" / "contents.toml"
LIBRARIES = (
    "asyncio", "concurrent.futures", "cryptography.x509", "ctypes", "google.protobuf.message", "grpclib.server", "h11",
    "jsonpatch", "logging.handlers", "msgspec", "ssl", "subprocess", "tarfile", "urllib.request", "yaml", "zoneinfo",
)  # fmt: skip
DAEMONS = ("init", "machined", "apid", "trustd", "dashboard")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root filesystem, mounted as a node mounts it."""
    target = tmp_path_factory.mktemp("rootfs")
    image = artifacts.ArtifactSet.load().rootfs
    subprocess.run(["mount", "-o", "loop,ro", str(image), str(target)], check=True, timeout=30)
    yield target
    subprocess.run(["umount", str(target)], check=True, timeout=30)


def _files(top: Path) -> Iterator[Path]:
    return (path for path in top.rglob("*") if path.is_file() and not path.is_symlink())


def _run(node: Path, *argv: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/sbin/chroot", str(node), *argv], capture_output=True, text=True, timeout=30, env=env, check=False
    )


@pytest.mark.feature("P003")
def test_every_executable_is_on_the_list(node: Path) -> None:
    executable = {f"/{p.relative_to(node)}" for p in _files(node) if p.stat().st_mode & 0o111}
    listed = {program.path for program in contents.load(TABLE).programs}
    # The loader is what programs name as their interpreter; it runs nothing that is not already a file here.
    assert executable - listed == {"/usr/lib64/ld-linux-x86-64.so.2"}
    assert listed <= executable
    assert len(executable) <= 30


@pytest.mark.feature("P003")
def test_no_shell_no_interpreter_no_package_manager(node: Path) -> None:
    names = {path.name for path in node.rglob("*") if path.is_symlink() or path.is_file()}
    unwanted = {
        "sh",
        "bash",
        "dash",
        "busybox",
        "python3",
        "python3.13",
        "perl",
        "apt",
        "apt-get",
        "dpkg",
        "sshd",
        "ssh",
        "ctr",
    }
    assert not names & unwanted
    assert not [path for path in _files(node) if path.suffix == ".py"]
    assert not [path for path in _files(node) if path.read_bytes()[:2] == b"#!"]


def test_nothing_is_setuid_or_writable_by_others(node: Path) -> None:
    for path in node.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            continue
        assert not mode & (stat.S_ISUID | stat.S_ISGID), path
        assert not mode & stat.S_IWOTH or path.name == "tmp", path
        assert path.lstat().st_uid == path.lstat().st_gid == 0, path


@pytest.mark.feature("P002")
def test_the_root_cannot_be_written(node: Path) -> None:
    with pytest.raises(OSError, match="Read-only"):
        (node / "etc" / "new").write_text("")


def test_every_library_is_there(node: Path) -> None:
    paths = sorted(_files(node))
    assert elf.closure(node, paths, images.LIBRARIES)


def test_native_programs_run(node: Path) -> None:
    assert "nftables v" in _run(node, "/usr/sbin/nft", "--version").stdout
    assert "util-linux" in _run(node, "/usr/bin/mount", "--version").stdout
    assert versions.RUNC.lstrip("v") in _run(node, "/usr/bin/runc", "--version").stdout
    assert versions.CONTAINERD in _run(node, "/usr/bin/containerd", "--version").stdout
    plugins = (node / "opt/cni/bin").iterdir()
    assert sorted(p.name for p in plugins) == ["bridge", "firewall", "flannel", "host-local", "loopback", "portmap"]


def test_os_release_is_ours(node: Path) -> None:
    lines = (node / "usr/lib/os-release").read_text().splitlines()
    assert {"ID=pytalos", 'NAME="PyTalos"', f"VERSION_ID={versions.RELEASE}"} <= set(lines)
    assert (node / "etc/os-release").read_text() == (node / "usr/lib/os-release").read_text()


@pytest.mark.feature("J033", "P028")
def test_the_bill_of_materials_covers_every_file(node: Path) -> None:
    bill = json.loads((node / sbom.PATH).read_bytes())
    told = {
        entry["fileName"]: {one["algorithm"]: one["checksumValue"] for one in entry["checksums"]}
        for entry in bill["files"]
    }
    present = {f"./{path.relative_to(node)}": path for path in _files(node)}
    assert told.keys() == present.keys() - {f"./{sbom.PATH}"}
    for name, path in present.items():
        if name in told:
            assert told[name]["SHA256"] == cache.file_sha256(path), name
    made_of = {package["name"]: package["versionInfo"] for package in bill["packages"]}
    assert made_of["pytalos"] == versions.RELEASE
    assert made_of["containerd"] == versions.CONTAINERD
    assert made_of["runc"] == versions.RUNC
    assert {"libc6", "libpython3.13", "libssl3t64", "cryptography", "msgspec", "grpclib"} <= made_of.keys()
    owned = [r["relatedSpdxElement"] for r in bill["relationships"] if r["relationshipType"] == "CONTAINS"]
    assert len(owned) == len(set(owned)) == len(told)


PACKED_MB, UNPACKED_MB, OURS_MB = 80, 150, 80


def test_it_is_small(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Packed as it lies on disk and in memory; unpacked; and without the container runtime, which is Go's."""
    listed = contents.load(TABLE).programs
    runtime = sum((node / p.path.lstrip("/")).stat().st_size for p in listed if p.component)
    unpacked = sum(path.stat().st_size for path in _files(node))
    packed = artifacts.ArtifactSet.load().rootfs.stat().st_size
    with capsys.disabled():
        print(f"\nroot filesystem: {packed / 1e6:.1f} MB packed, {unpacked / 1e6:.1f} MB unpacked, of which ", end="")
        print(f"{runtime / 1e6:.1f} MB container runtime; {len(listed)} programs")
    assert packed < PACKED_MB * 1e6
    assert unpacked < UNPACKED_MB * 1e6
    assert unpacked - runtime < OURS_MB * 1e6


@pytest.mark.feature("H003")
def test_one_program_is_every_daemon(node: Path) -> None:
    for name in DAEMONS:
        assert (node / "usr/bin" / name).readlink() == Path("pytalos")
    assert (node / "usr/sbin/init").resolve() == node / "usr/bin/pytalos"
    refused = _run(node, "/usr/bin/pytalos")
    assert refused.returncode == 2 and "none of the node's daemons" in refused.stderr


@pytest.fixture
def copy(node: Path, tmp_path: Path) -> Iterator[Path]:
    """The root filesystem with a throw-away upper layer."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], check=True, timeout=30)
    for name in ("upper", "work", "root"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={node},upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(tmp_path / "root")], check=True, timeout=30)
    yield tmp_path / "root"
    subprocess.run(["umount", str(tmp_path / "root")], check=True, timeout=30)
    subprocess.run(["umount", str(tmp_path)], check=True, timeout=30)


def _modules(root: Path) -> list[tuple[str, bool, str, bytes]]:
    """What is in the daemons' file of modules; the code is of the node's Python, and stays unread."""
    file = root / bundle.PATH.lstrip("/")
    opened = bundle.Bundle(str(file))
    opened.close()
    index = opened.index
    content = file.read_bytes()
    codes = content[len(content) - sum(length for _, _, length, _ in index.values()) :]
    return [(name, package, path, codes[at : at + length]) for name, (package, at, length, path) in index.items()]


def _rewrite_bundle(root: Path, *, leave_out: str) -> None:
    kept = [one for one in _modules(root) if not one[0].startswith(leave_out)]
    (root / bundle.PATH.lstrip("/")).write_bytes(bundle.pack(kept))


def _replace_daemon(root: Path, source: str) -> None:
    """Put a readable stand-in where the launcher looks for trustd's module: what it is given can then be seen."""
    _rewrite_bundle(root, leave_out="talos.trustd")
    folder = root / "usr/lib/pytalos/app/talos/trustd"
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text("")
    (folder / "main.py").write_text(source)


@pytest.mark.feature("P003")
def test_the_embedded_python_obeys_nobody(copy: Path) -> None:
    _replace_daemon(
        copy,
        "import sys, os\n"
        "def main():\n"
        "    print(sys.argv, sys.path, 'site' in sys.modules, sys.flags.isolated, 'evil' in sys.modules)\n"
        "    return 7\n",
    )
    (copy / "evil.py").write_text("raise SystemExit('evil ran')\n")
    hostile = {
        "PYTHONPATH": "/",
        "PYTHONSTARTUP": "/evil.py",
        "PYTHONHOME": "/nowhere",
        "PYTHONINSPECT": "1",
        "PYTHONWARNINGS": "error::evil.X",
        "PYTHONBREAKPOINT": "evil.x",
    }
    for arguments in ([], ["-c", "print(1)"], ["/evil.py"], ["-m", "evil"], ["-X", "importtime", "-i"]):
        done = _run(copy, "/usr/bin/trustd", *arguments, env=hostile)
        path = ["app", "python3.13", "lib-dynload", "site"]
        assert done.returncode == 7, done.stderr
        assert done.stdout.startswith(f"{['/usr/bin/trustd', *arguments]} ")
        assert done.stdout.rstrip().endswith("False 1 False")
        assert all(f"/{part}'" in done.stdout for part in path) and done.stdout.count("/usr/lib") == len(path)


def test_exit_codes_of_a_daemon(copy: Path) -> None:
    for source, code in (
        ("def main(): return None", 0),
        ("def main(): return 3", 3),
        ("def main(): raise SystemExit(4)", 4),
        ("def main(): raise ValueError('broken')", 1),
        ("def nothing(): pass", 1),
    ):
        _replace_daemon(copy, source)
        assert _run(copy, "/usr/bin/trustd").returncode == code


def test_every_module_of_the_node_imports(copy: Path) -> None:
    """What was left out of the standard library and the wheels is missed by nothing of ours."""
    names = sorted(name for name, *_ in _modules(copy) if name.split(".")[0] == "talos")
    assert len(names) > 500
    (copy / "usr/lib/pytalos/app/names.py").write_text(f"NAMES = {names}\n")
    listing = (
        "import importlib\n"
        "import names\n"
        "def main():\n"
        "    failed = 0\n"
        "    for name in names.NAMES:\n"
        "        if name.startswith('talos.trustd'):\n"
        "            continue\n"
        "        try:\n"
        "            importlib.import_module(name)\n"
        "        except Exception as exc:\n"
        "            failed += 1\n"
        "            print(name, repr(exc))\n"
        f"    for name in {LIBRARIES}:\n"
        "        importlib.import_module(name)\n"
        "    return failed > 0\n"
    )
    _replace_daemon(copy, listing)
    done = _run(copy, "/usr/bin/trustd")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_person_cannot_read_source_paths_of_the_build(node: Path) -> None:
    files = [*(node / "usr/lib/pytalos/app").rglob("*.pyc"), node / bundle.PATH.lstrip("/")]
    assert all(str(ROOT).encode() not in path.read_bytes() for path in files)


@pytest.mark.feature("J034")
def test_packing_twice_gives_the_same_bytes(tmp_path: Path) -> None:

    with (tmp_path / "progress").open("w") as out:
        workshop = build.Workshop(Environment(ROOT), Progress(out))
        _, built = workshop.build_components()
        recipe = workshop.recipe(built, level=3)
        digests = set()
        for name in ("one", "elsewhere/two"):
            folder = cache.root() / "packed-twice" / name
            cache.remove_tree(folder)
            folder.mkdir(parents=True)
            try:
                rootfs.fill(recipe, folder)
                digests.add(cache.file_sha256(folder / "rootfs.sqsh"))
            finally:
                cache.remove_tree(folder)
    assert len(digests) == 1


def test_the_chroot_leaves_the_sysroot_alone(tmp_path: Path) -> None:
    tree = sysroot.build(ROOT / "rootfs" / "packages.toml", log=tmp_path / "log")
    before = sorted(p.name for p in tree.path.iterdir())
    out = tmp_path / "shared"
    out.mkdir()
    tree.run(
        ["sh", "-c", f"echo 1 > /in-the-overlay && echo 2 > {out}/shared"],
        log=tmp_path / "log",
        timeout_s=30,
        shared=[out],
    )
    assert sorted(p.name for p in tree.path.iterdir()) == before
    assert (out / "shared").read_text() == "2\n"
