"""inject serviceaccount: manifests in, manifests that may use the Talos API out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from talos.base import errors
from talos.talosctl import serviceaccounts
from tests.unit.talosctl.commands.conftest import Cluster

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {on: "yes"}
spec:
  template:
    spec:
      initContainers:
      - {name: first, image: x}
      containers:
      - name: main
        image: "1.10"
        command: [sh, -c, 0o17]
        volumeMounts:
        - {name: talos-secrets, mountPath: /old}
        - {name: data, mountPath: /data}
      volumes:
      - {name: data, emptyDir: {}}
---
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
"""
MOUNT = {"name": "talos-secrets", "mountPath": "/var/run/secrets/talos.dev"}


def injected(text: str, *roles: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(serviceaccounts.inject(text.encode(), roles)) if one]


@pytest.mark.feature("G091", "G092", "M036")
def test_a_deployment_gets_the_secret_and_its_account(cluster: Cluster, tmp_path: Path) -> None:
    source = tmp_path / "deployment.yaml"
    source.write_text(DEPLOYMENT)
    ran = cluster.run("inject", "serviceaccount", "--roles", "os:admin,os:etcd:backup", "-f", str(source), nodes="")
    assert ran.code == 0, ran.err
    deployment, account, service = (one for one in yaml.safe_load_all(ran.out) if one)
    pod = deployment["spec"]["template"]["spec"]
    assert pod["volumes"] == [
        {"name": "data", "emptyDir": {}},
        {"name": "talos-secrets", "secret": {"secretName": "web-talos-secrets"}},
    ]
    assert pod["initContainers"][0]["volumeMounts"] == [MOUNT]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "data", "mountPath": "/data"}, MOUNT]
    assert account == {
        "apiVersion": "talos.dev/v1alpha1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web-talos-secrets", "namespace": "shop"},
        "spec": {"roles": ["os:admin", "os:etcd:backup"]},
    }
    assert service["kind"] == "Service"
    # Scalars keep their spelling.
    assert 'image: "1.10"' in ran.out
    assert "0o17" in ran.out


@pytest.mark.feature("S075")
def test_what_has_access_already_stays_as_it_is() -> None:
    once = serviceaccounts.inject(DEPLOYMENT.encode(), ["os:reader"])
    assert serviceaccounts.inject(once.encode(), ["os:reader"]) == once


def test_a_persons_own_account_is_kept_and_not_doubled() -> None:
    own = "apiVersion: talos.dev/v1alpha1\nkind: ServiceAccount\nmetadata: {name: web-talos-secrets, namespace: shop}\n"
    found = injected(f"{own}spec: {{roles: [os:operator]}}\n---\n{DEPLOYMENT}", "os:admin")
    accounts = [one for one in found if one["kind"] == "ServiceAccount"]
    assert [one["spec"]["roles"] for one in accounts] == [["os:operator"]]


@pytest.mark.parametrize(
    ("version", "kind", "path"),
    [
        ("v1", "Pod", ["spec"]),
        ("apps/v1", "StatefulSet", ["spec", "template", "spec"]),
        ("apps/v1", "DaemonSet", ["spec", "template", "spec"]),
        ("batch/v1", "Job", ["spec", "template", "spec"]),
        ("batch/v1", "CronJob", ["spec", "jobTemplate", "spec", "template", "spec"]),
    ],
)
def test_every_kind_that_has_pods(version: str, kind: str, path: list[str]) -> None:
    pod: dict[str, Any] = {"containers": [{"name": "a", "image": "b"}]}
    for key in reversed(path):
        pod = {key: pod}
    found, account = injected(yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": "n"}, **pod}))
    for key in path:
        found = found[key]
    assert found["containers"][0]["volumeMounts"] == [MOUNT]
    assert account["metadata"] == {"name": "n-talos-secrets"}


def test_manifests_that_can_not_be_read(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(errors.Invalid):
        serviceaccounts.inject(b"a: [", [])
    assert cluster.run("inject", "serviceaccount", nodes="").code == 2
    assert cluster.run("inject", "serviceaccount", "-f", str(tmp_path / "none.yaml"), nodes="").code != 0
