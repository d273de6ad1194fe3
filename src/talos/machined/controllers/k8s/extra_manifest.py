"""Manifests of the user: inline ones decoded, external ones fetched."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from talos.base import errors
from talos.cosi import controller
from talos.k8s import encode
from talos.machinery.resources.k8s import extra_manifests_config, manifest
from talos.machinery.resources.network import network_status

_FETCH_S = 30.0
_SIZE_MAX = 16 * 1024 * 1024


def fetch(url: str, headers: Mapping[str, str]) -> bytes:
    """Return what a URL answers. Blocks; call it in a thread. Raises OSError, Invalid."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise errors.Invalid(f"{url}: manifests are fetched over http or https only")
    # Few nodes fetch any, and it brings e-mail along, on the way of every boot.
    import ssl
    import urllib.request

    request = urllib.request.Request(url, headers=dict(headers))
    with urllib.request.urlopen(request, timeout=_FETCH_S, context=ssl.create_default_context()) as answer:
        data: bytes = answer.read(_SIZE_MAX + 1)
    if len(data) > _SIZE_MAX:
        raise errors.Invalid(f"{url}: the manifest is larger than {_SIZE_MAX} bytes")
    return data


class ExtraManifestController(controller.Controller):
    """Decode inline manifests and fetch external ones; what was fetched once stays until the configuration changes."""

    inputs = (
        controller.weak(
            extra_manifests_config.ExtraManifestsConfig, id=extra_manifests_config.EXTRA_MANIFESTS_CONFIG_ID
        ),
        controller.weak(network_status.NetworkStatus, id=network_status.STATUS_ID),
    )
    outputs = (controller.shared(manifest.Manifest),)

    def __init__(self) -> None:
        self._fetched: dict[str, bytes] = {}

    async def reconcile(self, r: controller.Handle) -> None:
        """Put one resource per manifest; one that fails does not hold up the others."""
        config = await r.find(
            extra_manifests_config.ExtraManifestsConfig, extra_manifests_config.EXTRA_MANIFESTS_CONFIG_ID
        )
        network = await r.find(network_status.NetworkStatus, network_status.STATUS_ID)
        if config is None:
            return
        failed: list[str] = []
        wanted: set[str] = set()
        for entry in config.spec.extra_manifests:
            id = f"{entry.priority}-{entry.name}"
            try:
                if entry.inline_manifest:
                    data = entry.inline_manifest.encode()
                elif network is None or not network.spec.address_ready:
                    failed.append(f"{entry.name}: network is not ready")
                    continue
                else:
                    key = hashlib.sha256(repr((entry.url, sorted(entry.extra_headers.items()))).encode()).hexdigest()
                    wanted.add(key)
                    if key not in self._fetched:
                        self._fetched[key] = await asyncio.to_thread(fetch, entry.url, entry.extra_headers)
                    data = self._fetched[key]
                items = tuple(manifest.SingleManifest(object=obj) for obj in encode.objects(data, name=entry.name))
            except (OSError, errors.Invalid) as error:
                failed.append(f"{entry.name}: {error}")
                continue
            await r.put(manifest.Manifest(id, manifest.Manifest.Spec(items=items)))
        self._fetched = {key: data for key, data in self._fetched.items() if key in wanted}
        if failed:
            raise errors.Temporary("extra manifests: " + "; ".join(failed), 10.0)
