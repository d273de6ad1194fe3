"""containerd's configuration: a fixed part, what the registries need, and what the configuration adds.

Format: containerd's version 3 configuration (docs/cri/config.md there); registry hosts: docs/hosts.md there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from talos.base.constants import paths, versions
from talos.cosi import controller
from talos.linux import caps
from talos.machinery.resources.cri.base_runtime_spec_config import BaseRuntimeSpecConfig
from talos.machinery.resources.cri.customization_config import CustomizationConfig
from talos.machinery.resources.cri.registry_config import REGISTRIES_CONFIG_ID, RegistryConfig
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec

_MODE = 0o600
_RUNTIME = "io.containerd.cri.v1.runtime"
_IMAGES = "io.containerd.cri.v1.images"

MAIN = f"""\
version = 3
root = "{paths.CONTAINERD_ROOT}"
state = "{paths.CONTAINERD_STATE}"
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.internal.v1.tracing",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
]
imports = ["{paths.CRI_CONF_D}/cri.toml"]

[grpc]
  address = "{paths.CONTAINERD_SOCKET}"

[debug]
  level = "info"
  format = "json"
"""


def toml_string(value: str) -> str:
    """Return a TOML basic string; its escapes are those of JSON."""
    return json.dumps(value)


def cri_toml(*, restrict_oom: bool, base_spec: bool, shim_cgroup: str = "/podruntime/shim") -> str:
    """Return the part for pods. `restrict_oom`: this node may not lower oom_score_adj."""
    base = f'base_runtime_spec = "{paths.CRI_CONF_D}/base-spec.json"\n' if base_spec else ""
    return f"""\
version = 3

[plugins."{_IMAGES}"]
  snapshotter = "overlayfs"
  discard_unpacked_layers = true
  [plugins."{_IMAGES}".pinned_images]
    sandbox = "{versions.IMAGE_PAUSE}"
  [plugins."{_IMAGES}".registry]
    config_path = "{paths.CRI_HOSTS}"

# A container's own layer is gone after a reboot, so nothing in it is worth a sync. Without this option the kernel syncs
# the whole of EPHEMERAL whenever a container ends, and etcd waits for that.
[plugins."io.containerd.snapshotter.v1.overlayfs"]
  mount_options = ["volatile"]

[plugins."{_RUNTIME}"]
  restrict_oom_score_adj = {"true" if restrict_oom else "false"}
  [plugins."{_RUNTIME}".cni]
    bin_dirs = ["{paths.CNI_BINARIES}"]
    conf_dir = "{paths.CNI_CONFIG}"
  [plugins."{_RUNTIME}".containerd]
    default_runtime_name = "runc"
    [plugins."{_RUNTIME}".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      {base}[plugins."{_RUNTIME}".containerd.runtimes.runc.options]
        SystemdCgroup = false
        ShimCgroup = "{shim_cgroup}"
"""


def auths_toml(registries: RegistryConfig.Spec) -> str:
    """Return the part with credentials of registries, empty without any."""
    lines: list[str] = []
    for host, auth in sorted(registries.registry_auths.items()):
        lines.append(f'[plugins."{_IMAGES}".registry.configs.{toml_string(host)}.auth]')
        values = {
            "username": auth.registry_username,
            "password": auth.registry_password,
            "auth": auth.registry_auth,
            "identitytoken": auth.registry_identity_token,
        }
        lines += [f"  {key} = {toml_string(value)}" for key, value in values.items() if value]
    return "\n".join(lines) + "\n" if lines else ""


def _host_lines(url: str, override_path: bool, tls: Mapping[str, str]) -> list[str]:
    lines = [f"[host.{toml_string(url)}]", '  capabilities = ["pull", "resolve"]']
    if override_path:
        lines.append("  override_path = true")
    lines += [f"  {key} = {value}" for key, value in tls.items()]
    return lines


def hosts_files(registries: RegistryConfig.Spec) -> dict[str, bytes]:
    """Return the files below conf.d/hosts: one directory for each registry, `_default` for `*`."""
    files: dict[str, bytes] = {}
    names = set(registries.registry_mirrors) | set(registries.registry_tl_ss)
    for name in sorted(names):
        folder = "_default" if name == "*" else name.replace(":", "_", 1) + ("_" if ":" in name else "")
        mirror = registries.registry_mirrors.get(name)
        lines: list[str] = []
        server = "" if name == "*" else f"https://{'registry-1.docker.io' if name == 'docker.io' else name}"
        if mirror is not None and mirror.mirror_skip_fallback and mirror.mirror_endpoints:
            server = mirror.mirror_endpoints[-1].endpoint_endpoint
        if server:
            lines.append(f"server = {toml_string(server)}")
        endpoints = (
            [(one.endpoint_endpoint, one.endpoint_override_path) for one in mirror.mirror_endpoints]
            if mirror is not None
            else [(server, False)]
        )
        for url, override_path in endpoints:
            tls, extra = _tls(registries, urlsplit(url).netloc, folder)
            files |= extra
            lines += _host_lines(url, override_path, tls)
        files[f"{folder}/hosts.toml"] = ("\n".join(lines) + "\n").encode()
    return files


def _tls(registries: RegistryConfig.Spec, host: str, folder: str) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the lines of a host section and the files they name."""
    config = registries.registry_tl_ss.get(host)
    if config is None:
        return {}, {}
    lines: dict[str, str] = {}
    files: dict[str, bytes] = {}
    if config.tls_insecure_skip_verify:
        lines["skip_verify"] = "true"
    if config.tlsca:
        files[f"{folder}/{host}-ca.crt"] = _pem(config.tlsca)
        lines["ca"] = toml_string(f"{paths.CRI_HOSTS}/{folder}/{host}-ca.crt")
    if config.tls_client_identity is not None:
        for part, data in (("crt", config.tls_client_identity.crt), ("key", config.tls_client_identity.key)):
            files[f"{folder}/{host}-client.{part}"] = _pem(data)
        pair = [f"{paths.CRI_HOSTS}/{folder}/{host}-client.{part}" for part in ("crt", "key")]
        lines["client"] = json.dumps([pair])
    return lines, files


def _pem(data: Any) -> bytes:
    raw = data if isinstance(data, bytes) else str(data).encode()
    return raw if raw.startswith(b"-----") else base64.b64decode(raw)


class CRIConfigController(controller.Controller):
    """Renders every file of /etc/cri."""

    inputs = (
        controller.weak(RegistryConfig, id=REGISTRIES_CONFIG_ID),
        controller.weak(CustomizationConfig),
        controller.weak(BaseRuntimeSpecConfig),
    )
    outputs = (controller.shared(EtcFileSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Wait for the registries, which come with the configuration; then all files."""
        registries = await r.find(RegistryConfig, REGISTRIES_CONFIG_ID)
        if registries is None:
            return
        base_spec = bool(await r.list(BaseRuntimeSpecConfig))
        parts = [
            cri_toml(restrict_oom="CAP_SYS_RESOURCE" not in caps.effective(), base_spec=base_spec),
            auths_toml(registries.spec),
        ]
        customizations = sorted(await r.list(CustomizationConfig), key=lambda one: one.metadata.id)
        merged = merge_toml(parts, [one.spec.content for one in customizations])
        await r.put(EtcFileSpec("cri/containerd.toml", EtcFileSpec.Spec(contents=MAIN.encode(), mode=_MODE)))
        await r.put(EtcFileSpec("cri/conf.d/cri.toml", EtcFileSpec.Spec(contents=merged.encode(), mode=_MODE)))
        for name, contents in hosts_files(registries.spec).items():
            await r.put(EtcFileSpec(f"cri/conf.d/hosts/{name}", EtcFileSpec.Spec(contents=contents, mode=_MODE)))


def merge_toml(parts: list[str], customizations: list[str]) -> str:
    """Return one document: our parts as written, or, with customizations, everything merged table by table."""
    if not any(text.strip() for text in customizations):
        return "\n".join(part for part in parts if part)
    import tomllib

    merged: dict[str, Any] = {}
    for text in [*parts, *customizations]:
        _merge(merged, tomllib.loads(text))
    merged["version"] = 3
    return _dump(merged)


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        present = target.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            _merge(present, value)
        else:
            target[key] = value


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_string(k)} = {_value(v)}" for k, v in value.items()) + "}"
    return toml_string(str(value))


def _dump(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Write a table and its sub-tables as TOML."""
    lines = [f"{toml_string(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    head = [f"[{'.'.join(toml_string(part) for part in path)}]"] if path and lines else []
    blocks = ["\n".join([*head, *lines])] if lines else []
    blocks += [_dump(value, (*path, key)) for key, value in table.items() if isinstance(value, dict)]
    return "\n\n".join(block.rstrip("\n") for block in blocks) + "\n"
