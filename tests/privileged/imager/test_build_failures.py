"""Each way a component build can fail, caused for real, has its named error; and a killed build goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos.imager import components, errors, sysroot, toolchain
from talos.imager.progress import Progress

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_artifacts]
ROOT = Path(__file__).resolve().parents[3]
MANIFEST = '[component.tiny]\nversion = "v1"\nprograms = { tiny = "." }\nlinks = { tiny = ["small"] }\n'
MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("tiny") }\n'
TREE = sysroot.Sysroot(Path("/nonexistent"), ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "components"
    (top / "tiny").mkdir(parents=True)
    (top / "manifest.toml").write_text(MANIFEST)
    (top / "tiny" / "go.mod").write_text("module example.invalid/tiny\n\ngo 1.26.0\n")
    (top / "tiny" / "main.go").write_text(MAIN)
    return top


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Progress]:
    with (tmp_path / "progress").open("w") as out:
        yield Progress(out)


def _builder(folder: Path, top: Path, gocache: Path | None = None) -> components.Builder:
    return components.Builder(folder, toolchain.find(), TREE, top=top, gocache=gocache or top / "go-build")


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Go cache that tests share where it does not matter to what they show."""
    return tmp_path_factory.mktemp("go-build")


def test_a_build_and_its_links(folder: Path, tmp_path: Path, quiet: Progress, warm: Path) -> None:
    built = _builder(folder, tmp_path / "cache", warm).build(quiet)
    assert subprocess.check_output([built.path("tiny")], text=True, timeout=10) == "tiny\n"
    assert (built.path("tiny").parent / "small").readlink() == Path("tiny")
    assert built.path("small") == built.path("tiny")


@pytest.mark.feature("J034")
def test_two_builds_in_two_places_give_the_same_bytes(
    folder: Path, tmp_path: Path, quiet: Progress, warm: Path
) -> None:
    moved = tmp_path / "another" / "deeper" / "place"
    moved.parent.mkdir(parents=True)
    first = _builder(folder, tmp_path / "one", warm).build(quiet).path("tiny").read_bytes()
    folder.rename(moved)
    assert _builder(moved, tmp_path / "two").build(quiet).path("tiny").read_bytes() == first


def test_a_module_that_is_not_served(
    folder: Path, tmp_path: Path, quiet: Progress, warm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "tiny" / "main.go").write_text('package main\n\nimport _ "example.invalid/other"\n\nfunc main() {}\n')
    with (folder / "tiny" / "go.mod").open("a") as module:
        module.write("\nrequire example.invalid/other v1.0.0\n")
    (folder / "tiny" / "go.sum").write_text(
        "example.invalid/other v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "example.invalid/other v1.0.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    )
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    with pytest.raises(errors.NetworkMissing, match="could not fetch what is pinned"):
        _builder(folder, tmp_path / "cache", warm).build(quiet)


def test_a_source_that_does_not_compile(folder: Path, tmp_path: Path, quiet: Progress, warm: Path) -> None:
    (folder / "tiny" / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(errors.BuildFailed, match=r"main\.go:3:15: undefined: undefined"):
        _builder(folder, tmp_path / "cache", warm).build(quiet)


def test_a_full_disk(folder: Path, tmp_path: Path, quiet: Progress) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=True, timeout=30)
    try:
        with pytest.raises(errors.DiskFull, match="free some, the next run resumes"):
            _builder(folder, small).build(quiet)
        subprocess.run(["mount", "-o", "remount,size=1g", str(small)], check=True, timeout=30)
        assert _builder(folder, small).build(quiet).path("tiny").exists()
    finally:
        subprocess.run(["umount", str(small)], check=True, timeout=30)


def test_kill_9_in_the_middle_and_the_next_run_goes_on(folder: Path, tmp_path: Path, quiet: Progress) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from pathlib import Path
from talos.imager import components, sysroot, toolchain
from talos.imager.progress import Progress
top = Path({str(tmp_path / "cache")!r})
tree = sysroot.Sysroot(Path("/nonexistent"), ())
builder = components.Builder(Path({str(folder)!r}), toolchain.find(), tree, top=top, gocache=top / "go-build")
builder.build(Progress(sys.stdout))
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL, start_new_session=True)
    kept = tmp_path / "cache" / "components"
    deadline = time.monotonic() + 30
    while not list(kept.glob(".tiny-*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    assert child.poll() is None, "the build ended before it could be killed"
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    assert not list(kept.glob("tiny-*"))
    built = _builder(folder, tmp_path / "cache").build(quiet)
    assert subprocess.check_output([built.path("tiny")], text=True, timeout=10) == "tiny\n"
    assert not list(kept.glob(".tiny-*.tmp"))


def test_c_is_compiled_in_the_sysroot_not_on_the_host(
    tmp_path: Path, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host without a compiler builds C components."""
    top = tmp_path / "components"
    (top / "c").mkdir(parents=True)
    (top / "manifest.toml").write_text('[component.c]\nversion = "v1"\nprograms = { c = "." }\ncgo = true\n')
    (top / "c" / "go.mod").write_text("module example.invalid/c\n\ngo 1.26.0\n")
    (top / "c" / "main.go").write_text(
        "package main\n\n// static int answer(void) { return 42; }\n"
        'import "C"\nimport "fmt"\n\nfunc main() { fmt.Println(C.answer()) }\n'
    )
    tree = sysroot.build(ROOT / "rootfs" / "packages.toml", log=tmp_path / "log")
    go = toolchain.find()
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin:/bin")
    monkeypatch.setenv("CC", "/nonexistent/cc")
    builder = components.Builder(top, go, tree, top=tmp_path / "cache", gocache=tmp_path / "go-build")
    built = builder.build(quiet)
    assert subprocess.check_output([built.path("c")], text=True, timeout=10) == "42\n"
