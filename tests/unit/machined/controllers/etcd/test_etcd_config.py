"""From the configuration to what etcd is started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.base.constants import users
from talos.machined.controllers.etcd.config import ConfigController
from talos.machined.controllers.etcd.pki import PKIController
from talos.machined.controllers.etcd.spec import SpecController, plan
from talos.machined.controllers.secrets.etcd import EtcdController
from talos.machined.controllers.secrets.root_kubernetes import RootEtcdController
from talos.machinery.resources.etcd import etcd_config, etcd_spec, pki_status
from talos.machinery.resources.network import hostname_status
from talos.machinery.types.machine import MachineType
from tests.unit.machined.controllers.cluster_node import ADDRESSES, changed, made, node, source, there

Config = etcd_config.EtcdConfig.Spec
DUAL = (*ADDRESSES, "fd00::2/64")


@pytest.mark.feature("E058", "E060", "M005")
async def test_spec_of_a_control_plane_node() -> None:
    async with node(ConfigController(), SpecController()) as (store, driven):
        spec = (await there(store, etcd_spec.EtcdSpec, etcd_spec.SPEC_ID)).spec
        assert (spec.name, spec.image) == ("cp-1", "registry.k8s.io/etcd:v3.7.3")
        assert spec.advertised_addresses == ("10.5.0.2",)
        assert spec.listen_peer_addresses == spec.listen_client_addresses == ("0.0.0.0",)
        host = await store.get(hostname_status.HostnameStatus, "hostname")
        await store.update(host.with_spec(hostname_status.HostnameStatus.Spec(hostname="renamed")))
        await driven.wait_idle()
        assert (await store.get(etcd_spec.EtcdSpec, etcd_spec.SPEC_ID)).spec.name == "renamed"


@pytest.mark.feature("E058", "L016")
async def test_shared_addresses_are_not_advertised() -> None:
    config = source() + b"---\napiVersion: v1alpha1\nkind: Layer2VIPConfig\nname: 10.5.0.2\nlink: eth0\n"
    async with node(ConfigController(), config=config) as (store, _):
        spec = (await there(store, etcd_config.EtcdConfig, etcd_config.CONFIG_ID)).spec
        assert spec.advertise_exclude_subnets == ("10.5.0.2",)
        assert spec.listen_exclude_subnets == ()


@pytest.mark.feature("E058")
async def test_workers_have_no_etcd() -> None:
    async with node(ConfigController(), SpecController(), config=source(MachineType.WORKER)) as (store, driven):
        await driven.wait_idle()
        assert not await store.list(etcd_config.EtcdConfig)
        assert not await store.list(etcd_spec.EtcdSpec)


@pytest.mark.feature("E058")
async def test_subnets_and_arguments_of_the_user() -> None:
    ca = {"crt": _text(made().etcd.crt), "key": _text(made().etcd.key)}
    settings = {
        "ca": ca,
        "advertisedSubnets": ["192.168.0.0/16", "!192.168.9.0/24"],
        "listenSubnets": ["10.0.0.0/8"],
        "extraArgs": {"election-timeout": "5000"},
        "image": "example.org/etcd:v3.6.0",
    }
    config = changed(source(), v1alpha1={"cluster": {"etcd": settings}})
    async with node(ConfigController(), SpecController(), config=config) as (store, _):
        found = (await there(store, etcd_config.EtcdConfig, etcd_config.CONFIG_ID)).spec
        spec = (await there(store, etcd_spec.EtcdSpec, etcd_spec.SPEC_ID)).spec
    assert found.advertise_valid_subnets == ("192.168.0.0/16",)
    assert found.advertise_exclude_subnets == ("192.168.9.0/24",)
    assert spec.advertised_addresses == ("192.168.7.2",)
    assert spec.listen_peer_addresses == ("10.5.0.2",)
    assert spec.listen_client_addresses == ("127.0.0.1", "10.5.0.2")
    assert dict(spec.extra_args) == {"election-timeout": ("5000",)}
    assert spec.image == "example.org/etcd:v3.6.0"


def _text(pem: bytes) -> str:
    import base64

    return base64.b64encode(pem).decode()


@pytest.mark.feature("E060")
@pytest.mark.parametrize(
    ("config", "advertised", "listen_peer", "listen_client"),
    [
        (Config(), ("10.5.0.2",), ("::",), ("::",)),
        (
            Config(advertise_valid_subnets=("0.0.0.0/0", "::/0")),
            ("10.5.0.2", "192.168.7.2", "fd00::2"),
            ("::",),
            ("::",),
        ),
        (Config(advertise_exclude_subnets=("10.0.0.0/8",)), ("192.168.7.2",), ("::",), ("::",)),
        (Config(listen_valid_subnets=("fd00::/8",)), ("10.5.0.2",), ("fd00::2",), ("::1", "fd00::2")),
        (
            Config(listen_exclude_subnets=("fd00::/8", "10.0.0.0/8")),
            ("10.5.0.2",),
            ("192.168.7.2",),
            ("::1", "192.168.7.2"),
        ),
    ],
)
def test_addresses_by_subnets(
    config: Config, advertised: tuple[str, ...], listen_peer: tuple[str, ...], listen_client: tuple[str, ...]
) -> None:  # fmt: skip
    spec = plan(config, "cp-1", DUAL)
    assert spec is not None
    assert spec.advertised_addresses == advertised
    assert spec.listen_peer_addresses == listen_peer
    assert spec.listen_client_addresses == listen_client


@pytest.mark.feature("E060")
@pytest.mark.parametrize(
    ("config", "addresses"),
    [
        (Config(), ()),
        (Config(advertise_valid_subnets=("172.16.0.0/12",)), ADDRESSES),
        (Config(listen_valid_subnets=("172.16.0.0/12",)), ADDRESSES),
    ],
)
def test_no_address_fits(config: Config, addresses: tuple[str, ...]) -> None:
    assert plan(config, "cp-1", addresses) is None


@pytest.mark.needs_root
@pytest.mark.feature("E059", "M005")
async def test_files_belong_to_etcd_and_old_ones_go(tmp_path: Path) -> None:
    folder = tmp_path / "etcd"
    folder.mkdir()
    (folder / "old.key").write_text("of an earlier version")
    controllers = (RootEtcdController(), EtcdController(tmp_path, tmp_path), PKIController(folder))
    async with node(*controllers) as (store, _):
        status = (await there(store, pki_status.PKIStatus, pki_status.PKI_ID)).spec
    assert status.ready
    names = {f"{n}.{e}" for n in ("server", "peer", "admin") for e in ("crt", "key")} | {"ca.crt"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (users.ETCD, 0o700)
    for path in folder.iterdir():
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (users.ETCD, 0o400), path.name
    assert (folder / "ca.crt").read_bytes() == made().etcd.crt
