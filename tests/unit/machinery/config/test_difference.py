"""Differences of two configurations for people, and as the patch that makes one out of the other."""

from __future__ import annotations

import dataclasses

import pytest

from talos.base import errors
from talos.machinery.config import container, difference, generate, inverse, loader, patcher
from talos.machinery.types.machine import MachineType
from talos.pki import bundle

from . import samples

LINK = "apiVersion: v1alpha1\nkind: LinkConfig\nname: eth0\n"
LEGACY = "version: v1alpha1\nmachine: {type: worker, token: one, certSANs: [a, b]"


def load(*documents: str) -> container.Container:
    return loader.load("---\n".join(documents).encode())


def said(old: container.Container, new: container.Container, *, order: bool = False) -> list[str]:
    return difference.text(difference.changes(old, new, order=order)).splitlines()


def test_order_and_spelling_say_nothing() -> None:
    old = load(LINK + "mtu: 1400\nup: true\n", "kind: SysctlConfig\napiVersion: v1alpha1\nparams: {a: '1', b: '2'}\n")
    new = load(
        "apiVersion: v1alpha1\nkind: SysctlConfig\nparams:\n  b: 2 # two\n  a: 1\n", LINK + "up: yes\nmtu: 0x578\n"
    )
    assert said(old, new, order=True) == []
    assert inverse.between(old, new) == ""


def test_what_is_added_removed_and_changed() -> None:
    old = load(LEGACY + "}\n", LINK + "mtu: 1400\n", "kind: SysctlConfig\napiVersion: v1alpha1\nparams: {a: '1'}\n")
    new = load(LEGACY.replace("[a, b]", "[b, c]") + "}\n", LINK + "mtu: 1500\naddresses: [{address: 10.0.0.2/24}]\n")
    assert said(old, new) == [
        "v1alpha1",
        "  - machine.certSANs[0]: a",
        "  + machine.certSANs[1]: c",
        "LinkConfig/eth0",
        "  ~ mtu: 1400 -> 1500",
        "  + addresses:",
        "  +   - address: 10.0.0.2/24",
        "- SysctlConfig",
        "-   apiVersion: v1alpha1",
        "-   kind: SysctlConfig",
        "-   params:",
        '-       a: "1"',
    ]


def test_another_order_of_items_is_told_when_asked_for() -> None:
    old, new = load(LEGACY + "}\n"), load(LEGACY.replace("[a, b]", "[b, a]") + "}\n")
    assert said(old, new) == []
    assert said(old, new, order=True)[1:] == [
        '  ~ machine.certSANs: same items in another order: ["a", "b"] -> ["b", "a"]'
    ]


def test_items_that_know_one_another_are_compared() -> None:
    old = load(LEGACY + ", network: {interfaces: [{interface: a, mtu: 1}, {interface: b}]}}\n")
    new = load(LEGACY + ", network: {interfaces: [{interface: b}, {interface: a, mtu: 2}]}}\n")
    assert said(old, new)[1:] == ["  ~ machine.network.interfaces[1].mtu: 1 -> 2"]


@pytest.mark.feature("F014", "F020")
def test_secrets_are_compared_and_not_shown() -> None:
    other = bundle.generate()
    old = generate.generate(samples.INPUT, MachineType.CONTROL_PLANE)
    new = generate.generate(dataclasses.replace(samples.INPUT, secrets=other), MachineType.CONTROL_PLANE)
    found = difference.changes(old, new)
    hidden = {(one.document, one.path) for one in found if one.secret}
    assert {("v1alpha1", "machine.token"), ("v1alpha1", "machine.ca.key"), ("v1alpha1", "cluster.token")} <= hidden
    assert ("DiscoveryIdentityConfig", "clusterSecret") in hidden
    assert ("KubeServiceAccountConfig", "issuer.privateKey") in hidden
    everything = difference.text(found) + difference.unified(old, new) + repr(found)
    for made in (samples.SECRETS, other):
        for secret in (made.trustd_token, made.bootstrap_token, made.cluster_secret, made.secretbox):
            assert secret not in everything
        for key in (made.os.key, made.etcd.key, made.k8s.key, made.service_account):
            assert key.decode().splitlines()[1] not in everything
    assert "PRIVATE KEY" not in everything
    assert "the secret value differs" in difference.text(found)


def test_colour_is_added_and_nothing_else() -> None:
    old, new = load(LINK + "mtu: 1\n"), load(LINK + "mtu: 2\n", "kind: SysctlConfig\napiVersion: v1alpha1\n")
    for shown in (
        lambda colour: difference.text(difference.changes(old, new), colour=colour),
        lambda colour: difference.unified(old, new, colour=colour),
    ):
        plain, coloured = shown(False), shown(True)
        assert "\x1b[" not in plain
        assert "\x1b[32m+" in coloured
        for code in ("\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"):
            coloured = coloured.replace(code, "")
        assert coloured == plain


@pytest.mark.feature("F020")
def test_the_patch_says_only_what_changes() -> None:
    old = load(
        LEGACY + ", features: {rbac: true}}\n", LINK + "mtu: 1400\n", "kind: SysctlConfig\napiVersion: v1alpha1\n"
    )
    new = load(LEGACY.replace("[a, b]", "[a, b, c]") + ", features: {rbac: false}}\n", LINK)
    assert inverse.between(old, new) == (
        "machine:\n    certSANs:\n        - c\n    features:\n        rbac: false\n"
        "---\napiVersion: v1alpha1\nkind: SysctlConfig\n$patch: delete\n"
        f"---\n{LINK}mtu:\n    $patch: delete\n"
    )


@pytest.mark.feature("F020")
@pytest.mark.parametrize("kinds", [(0, 1), (1, 0)])
def test_a_control_plane_becomes_a_worker_by_a_patch_and_back(kinds: tuple[int, int]) -> None:
    both = [loader.load(text) for text in (samples.CONTROL_PLANE, samples.WORKER)]
    old, new = (both[n] for n in kinds)
    assert inverse.same(patcher.patch(old, [inverse.between(old, new)]), new)


def test_what_no_patch_can_do_is_said() -> None:
    with pytest.raises(errors.Invalid, match="can delete the v1alpha1 document"):
        inverse.between(load(LEGACY + "}\n", LINK), load(LINK))


@pytest.mark.feature("F020")
def test_nothing_where_there_is_something_unsaid_stays_nothing() -> None:
    head = "apiVersion: v1alpha1\nkind: KubeProxyConfig\n"
    old, new = load(head + "config: null\n"), load(head + "enabled: false\nconfig: null\n")
    text = inverse.between(old, new)
    assert text == head + "enabled: false\nconfig: null\n"
    assert inverse.same(patcher.patch(old, [text]), new)
