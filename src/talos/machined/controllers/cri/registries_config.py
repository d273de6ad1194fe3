"""Mirrors, credentials and TLS of registries, from documents or from `machine.registries`."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import container
from talos.machinery.config.documents.cri.registry_auth import RegistryAuthConfig
from talos.machinery.config.documents.cri.registry_mirror import RegistryMirrorConfig
from talos.machinery.config.documents.cri.registry_tls import RegistryTLSConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.cri import registry_config as target
from talos.machinery.types import pem


def plan(config: container.Container) -> target.RegistryConfig.Spec:
    """Return what the configuration says about registries; documents win over the old section."""
    mirrors: dict[str, target.RegistryMirrorConfig] = {}
    auths: dict[str, target.RegistryAuthConfig] = {}
    tls: dict[str, target.RegistryTLSConfig] = {}
    machine = config.v1alpha1.machine if config.v1alpha1 is not None else None
    if machine is not None and machine.registries is not None:
        for name, mirror in machine.registries.mirrors.items():
            mirrors[name] = target.RegistryMirrorConfig(
                mirror_endpoints=tuple(
                    target.RegistryEndpointConfig(
                        endpoint_endpoint=url, endpoint_override_path=bool(mirror.override_path)
                    )
                    for url in mirror.endpoints
                ),
                mirror_skip_fallback=bool(mirror.skip_fallback),
            )
        for name, options in machine.registries.config.items():
            if options.auth is not None:
                auths[name] = _auth(
                    options.auth.username, options.auth.password, options.auth.auth, options.auth.identity_token
                )
            if options.tls is not None:
                tls[name] = target.RegistryTLSConfig(
                    tls_client_identity=options.tls.client_identity,
                    tlsca=options.tls.ca,
                    tls_insecure_skip_verify=bool(options.tls.insecure_skip_verify),
                )
    for one in config.all(RegistryMirrorConfig):
        mirrors[one.name] = target.RegistryMirrorConfig(
            mirror_endpoints=tuple(
                target.RegistryEndpointConfig(endpoint_endpoint=e.url, endpoint_override_path=bool(e.override_path))
                for e in one.endpoints
            ),
            mirror_skip_fallback=bool(one.skip_fallback),
        )
    for auth in config.all(RegistryAuthConfig):
        auths[auth.name] = _auth(auth.username, auth.password, auth.auth, auth.identity_token)
    for entry in config.all(RegistryTLSConfig):
        identity = entry.client_identity
        tls[entry.name] = target.RegistryTLSConfig(
            tls_client_identity=None if identity is None else _pair(identity.cert, identity.key),
            tlsca=entry.ca.encode(),
            tls_insecure_skip_verify=bool(entry.insecure_skip_verify),
        )
    return target.RegistryConfig.Spec(registry_mirrors=mirrors, registry_auths=auths, registry_tl_ss=tls)


def _auth(username: str, password: str, auth: str, token: str) -> target.RegistryAuthConfig:
    return target.RegistryAuthConfig(
        registry_username=username, registry_password=password, registry_auth=auth, registry_identity_token=token
    )


def _pair(certificate: str, key: str) -> pem.CertificateAndKey:
    return pem.CertificateAndKey(crt=certificate.encode(), key=key.encode())


class RegistriesConfigController(controller.Controller):
    """Publishes one RegistryConfig once there is a configuration."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(target.RegistryConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource from one."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        if active is not None:
            await r.put(target.RegistryConfig(target.REGISTRIES_CONFIG_ID, plan(active.documents)))
