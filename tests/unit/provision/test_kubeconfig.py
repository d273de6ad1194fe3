import copy
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from talos.base import errors
from talos.provision import kubeconfig


def _kube(name: str, secret: str = "s") -> dict[str, Any]:
    user = f"admin@{name}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": f"https://{secret}:6443"}}],
        "users": [{"name": user, "user": {"client-key-data": secret}}],
        "contexts": [{"name": user, "context": {"cluster": name, "user": user, "namespace": "default"}}],
        "current-context": user,
    }


@pytest.mark.feature("G011")
def test_kubeconfig_names_that_are_taken_get_a_suffix_together() -> None:
    content = _kube("a", "old")
    assert kubeconfig.merge(content, _kube("a", "new")) == "admin@a-1"
    assert content["current-context"] == "admin@a-1"
    inner = next(c["context"] for c in content["contexts"] if c["name"] == "admin@a-1")
    assert inner == {"cluster": "a-1", "user": "admin@a-1", "namespace": "default"}
    assert [c["cluster"]["server"] for c in content["clusters"]] == ["https://old:6443", "https://new:6443"]
    # The same once more finds itself.
    assert kubeconfig.merge(content, _kube("a", "new")) == "admin@a-1"
    assert len(content["users"]) == 2


def test_kubeconfig_merged_and_removed_is_what_it_was() -> None:
    content = {**_kube("mine"), "preferences": {}, "extensions": [{"name": "x"}]}
    before = copy.deepcopy(content)
    name = kubeconfig.merge(content, _kube("a"))
    digest = kubeconfig.digest_of(content, name)
    assert kubeconfig.remove(content, name, digest, "admin@mine")
    assert content == before


def test_kubeconfig_entries_of_other_contexts_stay() -> None:
    content: dict[str, Any] = {}
    name = kubeconfig.merge(content, _kube("a"))
    digest = kubeconfig.digest_of(content, name)
    content["contexts"].append({"name": "second", "context": {"cluster": "a", "user": "admin@a", "namespace": "x"}})
    assert kubeconfig.remove(content, name, digest, "")
    assert [c["name"] for c in content["contexts"]] == ["second"]
    assert len(content["clusters"]) == len(content["users"]) == 1
    assert content["current-context"] == ""


def test_a_changed_kubeconfig_context_is_left_alone() -> None:
    content: dict[str, Any] = {}
    name = kubeconfig.merge(content, _kube("a"))
    digest = kubeconfig.digest_of(content, name)
    content["users"][0]["user"]["client-key-data"] = "mine now"
    assert not kubeconfig.remove(content, name, digest, "")
    assert kubeconfig.digest_of(content, name) != ""


def test_kubeconfig_path(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    environment = {"KUBECONFIG": f"{one}:{two}", "HOME": "/h"}
    assert kubeconfig.default_path(environment) == two
    one.touch()
    assert kubeconfig.default_path(environment) == one
    assert kubeconfig.default_path({"HOME": "/h"}) == Path("/h/.kube/config")


def test_files_are_private_and_links_stay_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("contexts: {}\n")
    real.chmod(0o644)
    link.symlink_to(real)
    kubeconfig.write(link, {"context": "a", "date": "2024-01-01", "yes": "1e3"})
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert kubeconfig.read(link) == {"context": "a", "date": "2024-01-01", "yes": "1e3"}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_what_is_no_mapping_is_refused(tmp_path: Path) -> None:
    for text in ("- a\n", "a: [\n"):
        (tmp_path / "f").write_text(text)
        with pytest.raises(errors.Invalid, match=str(tmp_path / "f")):
            kubeconfig.read(tmp_path / "f")
    assert kubeconfig.read(tmp_path / "none") == {}


def test_parallel_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "config"

    def add(number: int) -> None:
        with kubeconfig.locked(path):
            content = kubeconfig.read(path)
            kubeconfig.merge(content, _kube(f"c{number}"))
            kubeconfig.write(path, content)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kubeconfig.read(path)["contexts"]) == 8
    assert [p.name for p in path.parent.iterdir()] == ["config"]


def test_a_lock_somebody_holds_is_waited_for_and_a_stale_one_broken(tmp_path: Path) -> None:
    path = tmp_path / "config"
    lock = tmp_path / "config.lock"
    lock.touch()
    with pytest.raises(errors.Conflict, match="locked by another program"), kubeconfig.locked(path, timeout_s=0.2):
        pass
    old = time.time() - 3600
    os.utime(lock, (old, old))
    with kubeconfig.locked(path, timeout_s=0.2):
        assert lock.exists()
    assert not lock.exists()


@pytest.mark.needs_artifacts
def test_kubectl_reads_what_we_merge_and_honours_the_lock(tmp_path: Path) -> None:
    from talos.provision import artifacts

    kubectl = artifacts.ArtifactSet.load().program("kubectl")
    path = tmp_path / "config"
    content: dict[str, Any] = {}
    for name in ("one", "two"):
        kubeconfig.merge(content, _kube(name, "aGFsbG8="))
    kubeconfig.write(path, content)
    environment = {"KUBECONFIG": str(path), "HOME": str(tmp_path)}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [str(kubectl), *words]
        return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)

    assert run("config", "get-contexts", "-o", "name").stdout.split() == ["admin@one", "admin@two"]
    assert run("config", "current-context").stdout.strip() == "admin@two"
    with kubeconfig.locked(path):
        refused = run("config", "use-context", "admin@one")
    assert refused.returncode != 0
    assert "config.lock" in refused.stderr
    assert run("config", "use-context", "admin@one").returncode == 0
    assert kubeconfig.read(path)["current-context"] == "admin@one"


def _holder(path: Path) -> "subprocess.Popen[str]":
    script = (
        "import sys; from pathlib import Path; from talos.provision import kubeconfig\n"
        f"with kubeconfig.locked(Path({str(path)!r})):\n    print(flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert started.stdout is not None
    started.stdout.readline()
    return started


def test_the_lock_of_a_killed_command_is_taken_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / ".kube/config"
    holder = _holder(path)
    with pytest.raises(errors.Conflict, match=r"config is locked by another program"), kubeconfig.locked(path, 0.2):
        pass
    holder.kill()
    holder.communicate()
    assert path.with_name("config.lock").exists()
    with kubeconfig.locked(path, 0.2):
        assert path.with_name("config.lock").exists()
    assert not path.with_name("config.lock").exists()


def test_the_lock_of_another_program_is_respected_until_it_is_old(tmp_path: Path) -> None:
    path, lock = tmp_path / "config", tmp_path / "config.lock"
    lock.touch()
    with pytest.raises(errors.Conflict), kubeconfig.locked(path, 0.1):
        pass
    os.utime(lock, (1, 1))
    with kubeconfig.locked(path, 0.1):
        pass
    assert not lock.exists()


def test_what_killed_commands_left_beside_the_file_is_tidied(tmp_path: Path) -> None:
    folder = tmp_path / ".kube"
    folder.mkdir()
    for name in (".config.999999999", ".config.999999999.abc", f".config.{os.getpid()}", "config", ".config.bak"):
        (folder / name).touch()
    kubeconfig.tidy(folder / "config")
    assert {file.name for file in folder.iterdir()} == {f".config.{os.getpid()}", "config", ".config.bak"}
    for file in folder.iterdir():
        file.unlink()
    kubeconfig.tidy(folder / "config")
    assert not folder.exists()
