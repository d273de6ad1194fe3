"""Lint: each rule fires where it should, at its place, and on nothing that is fine; findings as SARIF."""

from __future__ import annotations

import dataclasses

import pytest

from talos.machinery.config import contract, encoder, generate, lint, validation
from talos.machinery.types.machine import MachineType

from . import samples

OLD = dataclasses.replace(samples.INPUT, contract=contract.Contract(1, 11), install_disk="/dev/vda")


def rules(text: bytes, **options: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in lint.check(text, "c.yaml", **options):
        found.setdefault(one.rule, []).append(f"{one.where} {one.path}")
    return found


@pytest.mark.parametrize("text", [samples.CONTROL_PLANE, samples.WORKER])
def test_generated_configurations_hold_nothing_but_their_secrets(text: bytes) -> None:
    assert set(rules(text)) == {"plain-secret", "install-disk-unset"}
    assert set(rules(text, secrets=False)) == {"install-disk-unset"}
    wanted = dataclasses.replace(samples.INPUT, install_disk="/dev/vda")
    assert set(rules(encoder.encode(generate.generate(wanted, MachineType.WORKER)))) == {"plain-secret"}
    assert lint.check(text, "c.yaml", mode=validation.Mode.CONTAINER, secrets=False) == []


def test_every_secret_is_found_and_a_redacted_file_has_none_left() -> None:
    found = {place.split()[-1] for place in rules(samples.CONTROL_PLANE)["plain-secret"]}
    wanted = {
        "machine.token",
        "machine.ca.key",
        "cluster.token",
        "cluster.etcd.ca.key",
        "issuingCA.key",
        "clusterSecret",
    }
    assert wanted <= found
    assert any("secretbox" in path for path in found)


def test_deprecated_keys_name_their_replacement() -> None:
    text = encoder.encode(generate.generate(OLD, MachineType.CONTROL_PLANE))
    found = {one.path: one.message for one in lint.check(text, "c.yaml") if one.rule == "deprecated-key"}
    assert found["machine.kubelet"].endswith("KubeletConfig")
    assert found["cluster.controllerManager"].endswith("KubeControllerManagerConfig")
    assert found["machine.install"].endswith("UnattendedInstallConfig")
    assert "machine.type" not in found


BASE = "version: v1alpha1\nmachine:\n  type: worker\n  token: t\n  ca: {crt: YQ==}\n"
INSTALL = "---\napiVersion: v1alpha1\nkind: UnattendedInstallConfig\n"
HEAD = "---\napiVersion: v1alpha1\nkind: "


@pytest.mark.parametrize(
    ("rule", "text", "place"),
    [
        ("not-loadable", "version: v1alpha1\nmachin: {}\n", "c.yaml:2:1 machin"),
        ("not-valid", BASE + f"{HEAD}VLANConfig\nname: a\n", "c.yaml:7:1 VLANConfig/a vlanID"),
        ("questionable", BASE.replace("worker", "join"), "c.yaml:3:3 machine.type"),
        ("install-disk-unset", BASE, "c.yaml:2:1 machine"),
        ("install-disk-unset", BASE + "  install: {wipe: true}\n", "c.yaml:6:3 machine.install"),
        ("suspicious-secret", f"{HEAD}EnvironmentConfig\nvariables:\n  DB_PASSWORD: hunter2\n", "c.yaml:5:3"),
        ("floating-image", f"{HEAD}KubeletConfig\nimage: ghcr.io/siderolabs/kubelet\n", "c.yaml:4:1"),
        ("floating-image", f"{HEAD}KubeletConfig\nimage: ghcr.io:443/siderolabs/kubelet:latest\n", "c.yaml:4:1"),
        ("insecure-transport", f"{HEAD}RegistryTLSConfig\nname: a.b\ninsecureSkipVerify: true\n", "c.yaml:5:1"),
        ("insecure-transport", f"{HEAD}KubeExternalManifestConfig\nname: a\nurl: http://a.b/c\n", "c.yaml:5:1"),
    ],
)
def test_rules_and_places(rule: str, text: str, place: str) -> None:
    assert any(one.startswith(place) for one in rules(text.encode())[rule])


@pytest.mark.parametrize(
    "text",
    [
        BASE + INSTALL + "provisioning: {diskSelector: {match: 'disk.size > 1u'}}\n",
        f"{HEAD}EnvironmentConfig\nvariables:\n  TOKEN_FILE: /etc/token\n  http_proxy: https://a.b\n",
        f"{HEAD}KubeletConfig\nimage: ghcr.io/siderolabs/kubelet@sha256:{'a' * 64}\n",
        f"{HEAD}RegistryTLSConfig\nname: a.b\ninsecureSkipVerify: false\n",
        f"{HEAD}HTTPProbeConfig\nname: a\nurl: http://127.0.0.1/healthz\n",
    ],
)
def test_rules_leave_alone_what_is_fine(text: str) -> None:
    quiet = {"not-valid", "plain-secret", "questionable"}
    assert set(rules(text.encode())) <= quiet


def test_skew_of_components() -> None:
    text = samples.CONTROL_PLANE.replace(b"kube-scheduler:v1.", b"kube-scheduler:v0.")
    assert [place.split(" ", 1)[1] for place in rules(text)["version-skew"]] == ["KubeSchedulerConfig image"]


def test_sarif_points_to_rules_and_places() -> None:
    log = lint.sarif(lint.check(BASE.replace("worker", "wrker").encode(), "dir/c.yaml"))
    assert log["version"] == "2.1.0"
    run = log["runs"][0]
    known = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert known[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "dir/c.yaml"
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
    wrong = [one for one in run["results"] if "machine.type" in one["message"]["text"]]
    assert wrong[0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 3}


def test_every_rule_can_fire() -> None:
    """The table of rules and the checks name the same ones; the cases above show each of them."""
    source = __import__("inspect").getsource(lint)
    for rule in lint.RULES:
        assert source.count(f'"{rule}"') >= 2, rule
