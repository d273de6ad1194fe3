"""Configuration of the control plane's components, taken from the machine configuration.

One controller per component, each a mapping from views to the component's resource; on other nodes they have no
output.
"""

from __future__ import annotations

from talos.base.constants import ports
from talos.cosi import controller
from talos.k8s import apiserver_files, static_pods
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.config.documents.k8s import kube_admission_control
from talos.machinery.resources.k8s import (
    admission_control_config,
    api_server_config,
    audit_policy_config,
    authentication_config,
    authorization_config,
    controller_manager_config,
    extra_manifests_config,
    scheduler_config,
)

_POD_SECURITY = "PodSecurity"


class ControlPlaneAPIServerController(controller.Controller):
    """kube-apiserver."""

    inputs = (_config.INPUT,)
    outputs = (controller.shared(api_server_config.APIServerConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the configuration of a control plane node."""
        config = await _config.control_plane(r)
        if config is None:
            return
        found = views.api_server(config)
        component = found.component
        spec = api_server_config.APIServerConfig.Spec(
            image=component.image,
            control_plane_endpoint=views.cluster(config).endpoint,
            cloud_provider="external" if _config.external_cloud_provider(config) else "",
            etcd_servers=(f"https://127.0.0.1:{ports.ETCD_CLIENT}",),
            local_port=found.port,
            service_cid_rs=views.kubernetes_network(config).service_subnets,
            extra_args=component.extra_args,
            extra_volumes=_config.volumes(component.extra_volumes),
            environment_variables=component.env,
            # A kubelet that does not register its node does not fill in a pod's address either.
            advertised_address="" if views.node(config).skip_registration else "$(POD_IP)",
            resources=_config.resources(component.requests, component.limits),
            startup_probes_enabled=found.startup_probes,
            use_authentication_config=bool(views.authentication(config)),
        )
        await r.put(api_server_config.APIServerConfig(static_pods.API_SERVER, spec))


class ControlPlaneControllerManagerController(controller.Controller):
    """kube-controller-manager."""

    inputs = (_config.INPUT,)
    outputs = (controller.shared(controller_manager_config.ControllerManagerConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the configuration of a control plane node."""
        config = await _config.control_plane(r)
        if config is None:
            return
        component, network = views.controller_manager(config), views.kubernetes_network(config)
        spec = controller_manager_config.ControllerManagerConfig.Spec(
            enabled=component.enabled,
            image=component.image,
            cloud_provider="external" if _config.external_cloud_provider(config) else "",
            pod_cid_rs=network.pod_subnets,
            service_cid_rs=network.service_subnets,
            extra_args=component.extra_args,
            extra_volumes=_config.volumes(component.extra_volumes),
            environment_variables=component.env,
            resources=_config.resources(component.requests, component.limits),
            node_cidr_mask_size_i_pv4=network.node_mask_ipv4,
            node_cidr_mask_size_i_pv6=network.node_mask_ipv6,
        )
        await r.put(controller_manager_config.ControllerManagerConfig(static_pods.CONTROLLER_MANAGER, spec))


class ControlPlaneSchedulerController(controller.Controller):
    """kube-scheduler."""

    inputs = (_config.INPUT,)
    outputs = (controller.shared(scheduler_config.SchedulerConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the configuration of a control plane node."""
        config = await _config.control_plane(r)
        if config is None:
            return
        component = views.scheduler(config)
        spec = scheduler_config.SchedulerConfig.Spec(
            enabled=component.enabled,
            image=component.image,
            extra_args=component.extra_args,
            config=component.config,
            extra_volumes=_config.volumes(component.extra_volumes),
            environment_variables=component.env,
            resources=_config.resources(component.requests, component.limits),
        )
        await r.put(scheduler_config.SchedulerConfig(static_pods.SCHEDULER, spec))


class ControlPlaneAdmissionControlController(controller.Controller):
    """Admission plugins of kube-apiserver."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(admission_control_config.AdmissionControlConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the plugins.

        A v1alpha1 configuration that does not mention PodSecurity has the default one. Documents say all they want,
        and generated configurations contain it.
        """
        config = await _config.control_plane(r)
        if config is None:
            return
        found = {p.name: p.configuration for p in views.admission_control(config)}
        if not config.all(kube_admission_control.KubeAdmissionControlConfig) and not _config.multi_document(config):
            found.setdefault(_POD_SECURITY, dict(apiserver_files.DEFAULT_POD_SECURITY))
        spec = admission_control_config.AdmissionControlConfig.Spec(
            config=tuple(
                admission_control_config.AdmissionPluginSpec(name=name, configuration=value)
                for name, value in found.items()
            )
        )
        id = admission_control_config.ADMISSION_CONTROL_CONFIG_ID
        await r.put(admission_control_config.AdmissionControlConfig(id, spec))


class ControlPlaneAuditPolicyController(controller.Controller):
    """Audit policy of kube-apiserver."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(audit_policy_config.AuditPolicyConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the policy."""
        config = await _config.control_plane(r)
        if config is not None:
            spec = audit_policy_config.AuditPolicyConfig.Spec(config=views.audit_policy(config))
            await r.put(audit_policy_config.AuditPolicyConfig(audit_policy_config.AUDIT_POLICY_CONFIG_ID, spec))


class ControlPlaneAuthenticationController(controller.Controller):
    """Authentication of kube-apiserver, where it is configured by a file."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(authentication_config.AuthenticationConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the configuration, if there is one."""
        config = await _config.control_plane(r)
        found = views.authentication(config) if config is not None else {}
        if found:
            spec = authentication_config.AuthenticationConfig.Spec(config=apiserver_files.authentication(found))
            await r.put(
                authentication_config.AuthenticationConfig(authentication_config.AUTHENTICATION_CONFIG_ID, spec)
            )


class ControlPlaneAuthorizationController(controller.Controller):
    """Authorizers of kube-apiserver, in order."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(authorization_config.AuthorizationConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the authorizers."""
        config = await _config.control_plane(r)
        if config is None:
            return
        spec = authorization_config.AuthorizationConfig.Spec(
            image=views.api_server(config).component.image,
            config=tuple(
                authorization_config.AuthorizationAuthorizersSpec(type=a.type, name=a.name, webhook=a.webhook)
                for a in views.authorizers(config)
            ),
        )
        await r.put(authorization_config.AuthorizationConfig(authorization_config.AUTHORIZATION_CONFIG_ID, spec))


class ControlPlaneExtraManifestsController(controller.Controller):
    """Manifests of the user: applied after ours."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(extra_manifests_config.ExtraManifestsConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the list; the cloud provider's come before the user's own, a custom CNI before everything."""
        config = await _config.control_plane(r)
        if config is None:
            return
        custom = _config.custom_cni_urls(config)
        provider = _config.cloud_provider_manifests(config)
        entries = [extra_manifests_config.ExtraManifest(name=url, url=url, priority="05") for url in custom]
        entries += [extra_manifests_config.ExtraManifest(name=url, url=url, priority="30") for url in provider]
        entries += [
            extra_manifests_config.ExtraManifest(name=m.name, url=m.url, priority="99", extra_headers=m.headers)
            for m in views.external_manifests(config)
            if m.url not in custom
        ]
        entries += [
            extra_manifests_config.ExtraManifest(name=m.name, priority="99", inline_manifest=m.text)
            for m in views.inline_manifests(config)
        ]
        spec = extra_manifests_config.ExtraManifestsConfig.Spec(extra_manifests=tuple(entries))
        id = extra_manifests_config.EXTRA_MANIFESTS_CONFIG_ID
        await r.put(extra_manifests_config.ExtraManifestsConfig(id, spec))
