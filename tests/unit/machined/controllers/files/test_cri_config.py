import tomllib

import pytest

from talos.machined.controllers.cri import registries_config
from talos.machined.controllers.files import cri_base_runtime_spec, cri_config
from talos.machinery.config import loader
from talos.machinery.resources.cri.registry_config import RegistryConfig

RUNTIME = "io.containerd.cri.v1.runtime"
IMAGES = "io.containerd.cri.v1.images"


def test_main_part_is_toml_and_imports_the_rest() -> None:
    main = tomllib.loads(cri_config.MAIN)
    assert main["version"] == 3
    assert main["imports"] == ["/etc/cri/conf.d/cri.toml"]


@pytest.mark.parametrize(("restrict", "base"), [(True, False), (False, True)])
def test_pod_part(restrict: bool, base: bool) -> None:
    plugins = tomllib.loads(cri_config.cri_toml(restrict_oom=restrict, base_spec=base))["plugins"]
    runc = plugins[RUNTIME]["containerd"]["runtimes"]["runc"]
    assert plugins[RUNTIME]["restrict_oom_score_adj"] is restrict
    assert runc["options"]["SystemdCgroup"] is False
    assert ("base_runtime_spec" in runc) is base
    assert plugins[RUNTIME]["cni"] == {"bin_dirs": ["/opt/cni/bin"], "conf_dir": "/etc/cni/net.d"}
    assert plugins[IMAGES]["pinned_images"]["sandbox"].startswith("registry.k8s.io/pause:")
    assert plugins[IMAGES]["registry"]["config_path"] == "/etc/cri/conf.d/hosts"
    # Else each container that ends syncs the whole file system below /var.
    assert plugins["io.containerd.snapshotter.v1.overlayfs"] == {"mount_options": ["volatile"]}


def _registries(text: str) -> RegistryConfig.Spec:
    return registries_config.plan(loader.load(text.encode()))


MIRRORS = """
version: v1alpha1
machine:
  type: worker
  registries:
    mirrors:
      docker.io: {endpoints: ["https://mirror.example/v2/a", "http://second:5000"], overridePath: true}
      "localhost:5000": {endpoints: ["http://10.0.0.1:5000"]}
      "*": {endpoints: ["https://any.example"]}
    config:
      mirror.example:
        auth: {username: me, password: "se\\"cret"}
        tls: {insecureSkipVerify: true}
"""


def test_hosts_of_mirrors() -> None:
    spec = _registries(MIRRORS)
    files = {name: tomllib.loads(data.decode()) for name, data in cri_config.hosts_files(spec).items()}
    assert set(files) == {
        "docker.io/hosts.toml",
        "localhost_5000_/hosts.toml",
        "_default/hosts.toml",
        "mirror.example/hosts.toml",
    }
    docker = files["docker.io/hosts.toml"]
    assert docker["server"] == "https://registry-1.docker.io"
    assert list(docker["host"]) == ["https://mirror.example/v2/a", "http://second:5000"]
    assert docker["host"]["https://mirror.example/v2/a"]["override_path"] is True
    assert docker["host"]["https://mirror.example/v2/a"]["skip_verify"] is True
    assert "server" not in files["_default/hosts.toml"]
    assert files["mirror.example/hosts.toml"]["host"]["https://mirror.example"]["skip_verify"] is True


def test_credentials_are_quoted() -> None:
    auth = tomllib.loads(cri_config.auths_toml(_registries(MIRRORS)))
    assert auth["plugins"][IMAGES]["registry"]["configs"]["mirror.example"]["auth"] == {
        "username": "me",
        "password": 'se"cret',
    }
    assert cri_config.auths_toml(RegistryConfig.Spec()) == ""


def test_documents_win_over_the_old_section() -> None:
    text = MIRRORS + (
        "---\napiVersion: v1alpha1\nkind: RegistryMirrorConfig\nname: docker.io\n"
        "endpoints:\n  - url: https://new.example\nskipFallback: true\n"
    )
    mirror = _registries(text).registry_mirrors["docker.io"]
    assert [one.endpoint_endpoint for one in mirror.mirror_endpoints] == ["https://new.example"]
    assert mirror.mirror_skip_fallback
    docker = tomllib.loads(cri_config.hosts_files(_registries(text))["docker.io/hosts.toml"].decode())
    assert docker["server"] == "https://new.example"


def test_customizations_are_merged_table_by_table() -> None:
    parts = [cri_config.cri_toml(restrict_oom=False, base_spec=False), ""]
    custom = (
        f'[plugins."{RUNTIME}"]\n  enable_cdi = true\n[plugins."{RUNTIME}".cni]\n  max_conf_num = 2\n[[x.y]]\na = 1\n'
    )
    merged = tomllib.loads(cri_config.merge_toml(parts, [custom]))
    assert merged["version"] == 3
    assert merged["plugins"][RUNTIME]["enable_cdi"] is True
    assert merged["plugins"][RUNTIME]["cni"] == {
        "bin_dirs": ["/opt/cni/bin"],
        "conf_dir": "/etc/cni/net.d",
        "max_conf_num": 2,
    }
    assert merged["x"]["y"] == [{"a": 1}]
    assert cri_config.merge_toml(parts, [" "]) == parts[0]


def test_base_runtime_spec_takes_overrides() -> None:
    merged = cri_base_runtime_spec.merge(
        cri_base_runtime_spec.base_spec(), {"process": {"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1, "soft": 1}]}}
    )
    assert merged["process"]["rlimits"] == [{"type": "RLIMIT_NOFILE", "hard": 1, "soft": 1}]
    assert merged["process"]["cwd"] == "/"
    assert merged["ociVersion"]
