"""The local server of static pods, asked as the kubelet asks."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from talos.cosi import inmem, runtime
from talos.machined.controllers.k8s import static_pod_server
from talos.machinery.resources.k8s import static_pod, static_pod_server_status

ID = static_pod_server_status.STATIC_POD_SERVER_STATUS_RESOURCE_ID


def pod(name: str) -> static_pod.StaticPod:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
    return static_pod.StaticPod(name, static_pod.StaticPod.Spec(pod=body))


@contextlib.asynccontextmanager
async def running(store: inmem.InMemory, folder: Path) -> AsyncIterator[str]:
    controllers = runtime.Runtime(store)
    controllers.register(static_pod_server.StaticPodServerController(folder))
    task = asyncio.create_task(controllers.run())
    try:
        await controllers.wait_idle()
        yield (await store.get(static_pod_server_status.StaticPodServerStatus, ID)).spec.url
    finally:
        task.cancel()
        await asyncio.wait([task])


class Kubelet:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        self.port = urllib.parse.urlsplit(url).port

    async def connect(self) -> Kubelet:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def ask(self) -> list[str]:
        self.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
        found = yaml.safe_load(await self.reader.readexactly(length))
        assert found["kind"] == "PodList"
        return [item["metadata"]["name"] for item in found["items"]]

    def close(self) -> None:
        self.writer.close()


@pytest.mark.feature("M010", "M014", "E116")
async def test_serves_all_pods(tmp_path: Path) -> None:
    store = inmem.InMemory()
    await store.create(pod("a"))
    await store.create(pod("b"))
    async with running(store, tmp_path) as url:
        kubelet = await Kubelet(url).connect()
        assert await kubelet.ask() == ["a", "b"]
        kubelet.close()


async def test_a_change_is_told_at_once_and_nothing_else_is(tmp_path: Path) -> None:
    store = inmem.InMemory()
    async with running(store, tmp_path) as url:
        kubelet = await Kubelet(url).connect()
        assert await kubelet.ask() == []
        waiting = asyncio.create_task(kubelet.ask())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await store.create(pod("a"))
        assert await asyncio.wait_for(waiting, 2) == ["a"]
        kubelet.close()


async def test_an_unchanged_answer_comes_before_the_kubelet_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_pod_server, "_HOLD_S", 0.1)
    store = inmem.InMemory()
    async with running(store, tmp_path) as url:
        kubelet = await Kubelet(url).connect()
        assert [await kubelet.ask(), await asyncio.wait_for(kubelet.ask(), 2)] == [[], []]
        kubelet.close()


async def test_a_restart_hides_no_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_pod_server, "_HOLD_S", 0.1)
    store = inmem.InMemory()
    await store.create(pod("a"))
    async with running(store, tmp_path) as url:
        first = url
    again = inmem.InMemory()
    async with running(again, tmp_path) as url:
        assert url == first
        kubelet = await Kubelet(url).connect()
        with pytest.raises(asyncio.IncompleteReadError):
            await kubelet.ask()
        kubelet.close()
        await again.create(pod("a"))
        kubelet = await Kubelet(url).connect()
        assert await asyncio.wait_for(kubelet.ask(), 2) == ["a"]
        kubelet.close()


async def test_a_pod_that_went_for_good_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_pod_server, "_PATIENCE_S", 0.2)
    (tmp_path / "static-pod-server.pods").write_text("gone")
    store = inmem.InMemory()
    async with running(store, tmp_path) as url:
        kubelet = await Kubelet(url).connect()
        assert await asyncio.wait_for(kubelet.ask(), 3) == []
        kubelet.close()
