"""From the configuration to the certificates of etcd and Kubernetes."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path

import pytest
from cryptography import x509 as crypto
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from cryptography.x509.oid import NameOID

from talos.base import errors
from talos.cosi import controller
from talos.k8s import kubeconfig
from talos.machined.controllers.secrets import _certificates, root_kubernetes
from talos.machined.controllers.secrets.etcd import EtcdController
from talos.machined.controllers.secrets.kubelet import KubeletController
from talos.machined.controllers.secrets.kubernetes import KubernetesController
from talos.machined.controllers.secrets.kubernetes_cert_sans import KubernetesCertSANsController
from talos.machined.controllers.secrets.kubernetes_dynamic_certs import KubernetesDynamicCertsController
from talos.machined.controllers.secrets.root_kubernetes import RootEtcdController, RootKubernetesController
from talos.machinery.config import loader
from talos.machinery.resources.network import hostname_status
from talos.machinery.resources.secrets import (
    cert_san,
    etcd_root_secret,
    etcd_secret,
    kubelet_secret,
    kubernetes_dynamic_cert,
    kubernetes_root_secret,
    kubernetes_secret,
)
from talos.machinery.resources.time import time_status
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType
from talos.pki import x509
from tests.unit.machined.controllers.cluster_node import ENDPOINT, changed, made, node, source, there

YEAR = datetime.timedelta(days=365)


def all_of_them(tmp_path: Path) -> tuple[controller.Controller, ...]:
    return (
        RootEtcdController(),
        RootKubernetesController(),
        KubernetesCertSANsController(),
        KubernetesController(tmp_path, tmp_path),
        KubernetesDynamicCertsController(tmp_path),
        EtcdController(tmp_path, tmp_path),
        KubeletController(),
    )


def load(pair: pem.CertificateAndKey | None) -> crypto.Certificate:
    assert pair is not None
    return x509.load_certificates(pair.crt)[0]


def names(certificate: crypto.Certificate) -> tuple[set[str], set[str]]:
    found = certificate.extensions.get_extension_for_class(crypto.SubjectAlternativeName).value
    return (
        set(found.get_values_for_type(crypto.DNSName)),
        {str(address) for address in found.get_values_for_type(crypto.IPAddress)},
    )


def subject(certificate: crypto.Certificate) -> tuple[str, str]:
    def one(oid: crypto.ObjectIdentifier) -> str:
        return "".join(str(a.value) for a in certificate.subject.get_attributes_for_oid(oid))

    return one(NameOID.ORGANIZATION_NAME), one(NameOID.COMMON_NAME)


def purposes(certificate: crypto.Certificate) -> set[crypto.ObjectIdentifier]:
    return set(certificate.extensions.get_extension_for_class(crypto.ExtendedKeyUsage).value)


def life(certificate: crypto.Certificate) -> datetime.timedelta:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def signed_by(certificate: crypto.Certificate, ca: pem.CertificateAndKey) -> None:
    certificate.verify_directly_issued_by(x509.load_certificates(ca.crt)[0])


@pytest.mark.feature("E227", "E234", "M005")
async def test_etcd_has_certificates_of_its_own_authority(tmp_path: Path) -> None:
    async with node(*all_of_them(tmp_path), domain="example.org") as (store, _):
        found = (await there(store, etcd_secret.EtcdSecret, etcd_secret.ETCD_ID)).spec
        root = (await store.get(etcd_root_secret.EtcdRootSecret, etcd_root_secret.ETCD_ROOT_ID)).spec
    assert root.etcd_ca == made().etcd
    server, peer = load(found.etcd), load(found.etcd_peer)
    for certificate in (server, peer):
        signed_by(certificate, made().etcd)
        assert names(certificate) == (
            {"localhost", "cp-1", "cp-1.example.org"},
            {"10.5.0.2", "192.168.7.2", "127.0.0.1", "::1"},
        )
        assert purposes(certificate) == {Purpose.SERVER_AUTH, Purpose.CLIENT_AUTH}
    assert subject(server) == ("", "cp-1")
    for pair, name in ((found.etcd_admin, "talos"), (found.etcd_api_server, "kube-apiserver")):
        client = load(pair)
        signed_by(client, made().etcd)
        assert subject(client) == ("", name)
        assert purposes(client) == {Purpose.CLIENT_AUTH}


@pytest.mark.feature("E229", "E230", "M008", "M009")
async def test_api_server_answers_to_all_its_names(tmp_path: Path) -> None:
    config = changed(source(), KubeAPIServerConfig={"certExtraSANs": ["api.example.org", "203.0.113.7"]})
    async with node(*all_of_them(tmp_path), config=config, domain="example.org") as (store, _):
        id = kubernetes_dynamic_cert.KUBERNETES_DYNAMIC_CERTS_ID
        found = (await there(store, kubernetes_dynamic_cert.KubernetesDynamicCert, id)).spec
        sans = (await store.get(cert_san.CertSAN, cert_san.CERT_SAN_KUBERNETES_ID)).spec
    server = load(found.api_server)
    signed_by(server, made().k8s)
    dns, addresses = names(server)
    assert dns == {
        "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "localhost", "cp-1", "cp-1.example.org", "api.example.org",
    }  # fmt: skip
    assert addresses == {"10.5.0.1", "10.5.0.2", "192.168.7.2", "10.96.0.1", "127.0.0.1", "203.0.113.7"}
    assert set(sans.dns_names) == dns
    assert sans.fqdn == "cp-1.example.org"
    assert subject(server) == ("kube-master", "kube-apiserver")
    assert purposes(server) == {Purpose.SERVER_AUTH}
    assert life(server) == pytest.approx(YEAR, abs=datetime.timedelta(minutes=10))
    kubelet_client, front_proxy = load(found.api_server_kubelet_client), load(found.front_proxy)
    signed_by(kubelet_client, made().k8s)
    assert subject(kubelet_client) == ("system:masters", "apiserver-kubelet-client")
    signed_by(front_proxy, made().aggregator)
    assert subject(front_proxy) == ("", "front-proxy-client")
    assert purposes(front_proxy) == {Purpose.CLIENT_AUTH}


@pytest.mark.feature("E231", "M008")
async def test_components_have_kubeconfigs_for_their_own_users(tmp_path: Path) -> None:
    async with node(*all_of_them(tmp_path)) as (store, _):
        found = (await there(store, kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)).spec
    expected = {
        found.scheduler_kubeconfig: ("system:kube-scheduler", "system:kube-scheduler", "https://localhost:6443"),
        found.controller_manager_kubeconfig: (
            "system:kube-controller-manager", "system:kube-controller-manager", "https://localhost:6443",
        ),
        found.localhost_admin_kubeconfig: ("system:masters", "talos:admin", "https://localhost:6443"),
        found.admin_kubeconfig: ("system:masters", "talos:admin", ENDPOINT),
    }  # fmt: skip
    for text, (organization, name, server) in expected.items():
        current = kubeconfig.current(text)
        client = x509.load_certificates(base64.b64decode(current.user["client-certificate-data"]))[0]
        signed_by(client, made().k8s)
        assert subject(client) == (organization, name)
        assert current.cluster["server"] == server
        assert base64.b64decode(current.cluster["certificate-authority-data"]) == made().k8s.crt


@pytest.mark.feature("E235")
async def test_roots_of_kubernetes_come_from_the_configuration(tmp_path: Path) -> None:
    async with node(*all_of_them(tmp_path)) as (store, _):
        id = kubernetes_root_secret.KUBERNETES_ROOT_ID
        root = (await there(store, kubernetes_root_secret.KubernetesRootSecret, id)).spec
    assert (root.name, root.endpoint, root.dns_domain) == ("test", ENDPOINT, "cluster.local")
    assert root.api_server_ips == ("10.96.0.1",)
    assert f"{root.bootstrap_token_id}.{root.bootstrap_token_secret}" == made().bootstrap_token
    assert root.issuing_ca == made().k8s
    assert root.service_account == pem.Key(key=made().service_account)


def test_incomplete_roots_are_named() -> None:
    config = loader.load(changed(source(), KubeAggregatorCAConfig=None, KubeServiceAccountConfig=None), name="c")
    with pytest.raises(errors.Invalid, match="aggregator CA, service account key"):
        root_kubernetes.plan(config)


@pytest.mark.feature("E228")
async def test_kubelet_joins_through_kubeprism_where_it_is_on(tmp_path: Path) -> None:
    for config, endpoint in (
        (source(MachineType.WORKER), "https://127.0.0.1:7445"),
        (source(MachineType.WORKER, kube_prism_port=0), ENDPOINT),
    ):
        async with node(*all_of_them(tmp_path), config=config) as (store, driven):
            found = (await there(store, kubelet_secret.KubeletSecret, kubelet_secret.KUBELET_ID)).spec
            await driven.wait_idle()
            assert not await store.list(kubernetes_root_secret.KubernetesRootSecret)
            assert not await store.list(etcd_root_secret.EtcdRootSecret)
        assert found.endpoint == endpoint
        assert [ca.crt for ca in found.accepted_c_as] == [made().k8s.crt]
        assert f"{found.bootstrap_token_id}.{found.bootstrap_token_secret}" == made().bootstrap_token


@pytest.mark.feature("M008")
async def test_another_name_renews_what_says_it_and_nothing_else(tmp_path: Path) -> None:
    async with node(*all_of_them(tmp_path)) as (store, driven):
        id = kubernetes_dynamic_cert.KUBERNETES_DYNAMIC_CERTS_ID
        before = (await there(store, kubernetes_dynamic_cert.KubernetesDynamicCert, id)).spec
        etcd = (await there(store, etcd_secret.EtcdSecret, etcd_secret.ETCD_ID)).spec
        host = await store.get(hostname_status.HostnameStatus, "hostname")
        await store.update(host.with_spec(hostname_status.HostnameStatus.Spec(hostname="renamed")))
        await driven.wait_idle()
        after = (await store.get(kubernetes_dynamic_cert.KubernetesDynamicCert, id)).spec
        etcd_after = (await store.get(etcd_secret.EtcdSecret, etcd_secret.ETCD_ID)).spec
    assert "renamed" in names(load(after.api_server))[0]
    assert after.api_server_kubelet_client == before.api_server_kubelet_client
    assert after.front_proxy == before.front_proxy
    assert subject(load(etcd_after.etcd)) == ("", "renamed")
    assert etcd_after.etcd_admin == etcd.etcd_admin


async def test_nothing_is_issued_before_the_clock_is_right(tmp_path: Path) -> None:
    async with node(*all_of_them(tmp_path)) as (store, driven):
        await there(store, etcd_secret.EtcdSecret, etcd_secret.ETCD_ID)
    async with node() as (store, driven):
        clock = await store.get(time_status.TimeStatus, time_status.STATUS_ID)
        await store.update(clock.with_spec(time_status.TimeStatus.Spec(synced=False)))
        for one in all_of_them(tmp_path):
            driven.register(one)
        await driven.wait_idle()
        assert not await store.list(etcd_secret.EtcdSecret)
        assert not await store.list(kubernetes_secret.KubernetesSecret)
        assert not await store.list(kubernetes_dynamic_cert.KubernetesDynamicCert)


def test_certificates_of_an_earlier_machined_are_kept(tmp_path: Path) -> None:
    authority = x509.Authority.load(made().k8s.crt, made().k8s.key)
    wanted = x509.Subject("node", (), ("node",), ("10.0.0.1",))
    first = _certificates.Issuer(authority).pair(None, wanted, x509.BOTH)
    (tmp_path / "n.crt").write_bytes(first.crt)
    (tmp_path / "n.key").write_bytes(first.key)
    left = _certificates.left_behind(tmp_path, "n")
    issuer = _certificates.Issuer(authority)
    assert issuer.pair(left, wanted, x509.BOTH) == first
    assert YEAR.total_seconds() / 2 == pytest.approx(issuer.renew_in_s(), abs=3700)
    assert _certificates.left_behind(tmp_path, "other") is None


@pytest.mark.parametrize("reason", ["other names", "other authority", "past half its life", "broken"])
def test_certificates_that_will_not_do_are_replaced(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = x509.Authority.load(made().k8s.crt, made().k8s.key)
    wanted = x509.Subject("node", (), ("node",), ("10.0.0.1",))
    old_issuer = _certificates.Issuer(authority)
    old = old_issuer.pair(None, wanted, x509.BOTH)
    if reason == "other names":
        old = old_issuer.pair(None, x509.Subject("node", (), ("node",), ("10.0.0.9",)), x509.BOTH)
    elif reason == "other authority":
        other = x509.Authority.load(made().etcd.crt, made().etcd.key)
        old = _certificates.Issuer(other).pair(None, wanted, x509.BOTH)
    elif reason == "past half its life":
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=184)
        monkeypatch.setattr(_certificates, "_now", lambda: later)
    else:
        old = pem.CertificateAndKey(crt=b"junk", key=old.key)
    assert _certificates.Issuer(authority).pair(old, wanted, x509.BOTH) != old
