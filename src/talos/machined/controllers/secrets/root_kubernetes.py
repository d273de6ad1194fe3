"""Roots of trust of Kubernetes and etcd, taken from the machine configuration."""

from __future__ import annotations

from talos.base import errors
from talos.cosi import controller
from talos.k8s import network
from talos.machinery.config import container, views
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.secrets import etcd_root_secret, kubernetes_root_secret
from talos.machinery.types import pem

_INPUT = controller.weak(machine_config.MachineConfig, id=machine_config.ACTIVE_ID)


async def _control_plane(r: controller.Handle) -> container.Container | None:
    found = await r.find(machine_config.MachineConfig, machine_config.ACTIVE_ID)
    if found is None:
        return None
    config = found.documents
    return config if views.machine(config).is_control_plane else None


class RootEtcdController(controller.Controller):
    """The authority of etcd."""

    inputs = (_INPUT,)
    outputs = (controller.exclusive(etcd_root_secret.EtcdRootSecret),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the authority of a control plane node that runs etcd."""
        config = await _control_plane(r)
        ca = views.etcd(config).ca if config is not None else pem.CertificateAndKey()
        if ca.key:
            spec = etcd_root_secret.EtcdRootSecret.Spec(etcd_ca=ca)
            await r.put(etcd_root_secret.EtcdRootSecret(etcd_root_secret.ETCD_ROOT_ID, spec))


class RootKubernetesController(controller.Controller):
    """Authorities, tokens and encryption secrets of Kubernetes."""

    inputs = (_INPUT,)
    outputs = (controller.exclusive(kubernetes_root_secret.KubernetesRootSecret),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the secrets of a control plane node. Raises Invalid for an incomplete configuration."""
        config = await _control_plane(r)
        if config is None or not views.cluster(config).endpoint:
            return
        id = kubernetes_root_secret.KUBERNETES_ROOT_ID
        await r.put(kubernetes_root_secret.KubernetesRootSecret(id, plan(config)))


def plan(config: container.Container) -> kubernetes_root_secret.KubernetesRootSecret.Spec:
    """Return the roots of trust of a control plane node. Raises Invalid naming what is missing."""
    cluster, found = views.cluster(config), views.kubernetes_secrets(config)
    networks = views.kubernetes_network(config)
    needed = {
        "Kubernetes CA": found.ca.key,
        "aggregator CA": found.aggregator_ca.key,
        "service account key": found.service_account_key,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise errors.Invalid(f"the configuration lacks {', '.join(missing)}")
    token_id, _, token_secret = found.bootstrap_token.partition(".")
    accepted = tuple(pem.Certificate(crt=crt) for crt in (found.ca.crt, *found.accepted_cas))
    accepted_aggregator = (found.aggregator_ca.crt, *found.accepted_aggregator_cas)
    return kubernetes_root_secret.KubernetesRootSecret.Spec(
        name=cluster.name,
        endpoint=cluster.endpoint,
        local_endpoint=f"https://localhost:{cluster.local_api_port}",
        cert_sa_ns=views.api_server(config).cert_sans,
        api_server_ips=tuple(str(a) for a in network.api_server_service(networks.service_subnets)),
        dns_domain=networks.dns_domain,
        issuing_ca=found.ca,
        accepted_c_as=accepted,
        aggregator_ca=found.aggregator_ca,
        accepted_aggregator_c_as=tuple(pem.Certificate(crt=crt) for crt in accepted_aggregator),
        service_account=pem.Key(key=found.service_account_key),
        service_account_accepted_keys=tuple(pem.Key(key=key) for key in found.accepted_service_account_keys),
        issuer_url=found.issuer_url,
        accepted_issuers=found.accepted_issuers,
        api_audiences=found.audiences,
        bootstrap_token_id=token_id,
        bootstrap_token_secret=token_secret,
        etcd_encryption_config=views.encryption_config(config),
    )
