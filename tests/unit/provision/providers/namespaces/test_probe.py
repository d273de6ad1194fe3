from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import cgroup, netlink
from talos.provision.providers.namespaces import probe


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("link_add_bridge", "bridge links ([Errno 95] Operation not supported)"),
        ("link_add_veth", "veth links ([Errno 95] Operation not supported)"),
        ("link_add_vxlan", "vxlan links ([Errno 95] Operation not supported)"),
    ],
)
@pytest.mark.needs_netns
def test_a_kind_of_link_the_kernel_lacks(monkeypatch: pytest.MonkeyPatch, method: str, line: str) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(netlink.Route, method, refused)
    assert probe.missing() == [line]
    with pytest.raises(errors.Unsupported, match="this machine cannot run a cluster; missing: "):
        probe.check()


@pytest.mark.needs_netns
def test_namespaces_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(probe.ns, "unshare", refused)
    assert probe.missing() == ["namespaces ([Errno 1] Operation not permitted)"]


@pytest.mark.needs_netns
def test_nftables_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

    monkeypatch.setattr(probe, "_nftables", refused)
    assert probe.missing() == ["nftables ([Errno 93] Protocol not supported)"]


@pytest.mark.parametrize("name", ["overlay", "squashfs", "xfs"])
def test_a_file_system_the_kernel_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(probe, "_path", lambda: str(tmp_path))
    (tmp_path / "filesystems").write_text("nodev\toverlay\n\tsquashfs\n\txfs\n".replace(name, "other"))
    known = {kind: probe._filesystem(kind, tmp_path) for kind in ("overlay", "squashfs", "xfs")}
    assert [kind for kind, there in known.items() if not there] == [name]


def _tree(version: cgroup.Version, folder: Path, controllers: list[str]) -> Callable[[], cgroup.Tree]:
    if version is cgroup.Version.V2:
        (folder / "cgroup.controllers").write_text(" ".join(controllers))
        return lambda: cgroup.Tree(version, {"": folder})
    return lambda: cgroup.Tree(version, {name: folder / name for name in controllers})


@pytest.mark.parametrize(
    ("version", "controllers", "lacks"),
    [
        (cgroup.Version.V1, ["cpu", "memory", "pids", "devices", "cpuset"], ""),
        (cgroup.Version.V1, ["cpu", "pids", "devices"], "controllers cpuset, memory"),
        (cgroup.Version.V2, ["cpu", "memory", "pids", "cpuset", "io"], ""),
        (cgroup.Version.V2, ["io", "pids", "cpuset", "memory"], "controllers cpu"),
    ],
)
def test_controllers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: cgroup.Version, controllers: list[str], lacks: str
) -> None:
    monkeypatch.setattr(probe.cgroup, "tree", _tree(version, tmp_path, controllers))
    assert probe._try(probe._cgroups) == lacks
