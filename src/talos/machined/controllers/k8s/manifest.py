"""Bootstrap manifests, rendered."""

from __future__ import annotations

from talos.cosi import controller
from talos.k8s import manifests
from talos.machinery.resources.k8s import bootstrap_manifests_config, manifest
from talos.machinery.resources.secrets import kubernetes_root_secret


class ManifestController(controller.Controller):
    """Render the manifests every cluster starts with."""

    inputs = (
        controller.weak(
            bootstrap_manifests_config.BootstrapManifestsConfig,
            id=bootstrap_manifests_config.BOOTSTRAP_MANIFESTS_CONFIG_ID,
        ),
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
    )
    outputs = (controller.shared(manifest.Manifest),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put one resource per manifest. Raises Invalid for quantities that are none."""
        config = await r.find(
            bootstrap_manifests_config.BootstrapManifestsConfig,
            bootstrap_manifests_config.BOOTSTRAP_MANIFESTS_CONFIG_ID,
        )
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        if config is None or root is None:
            return
        for name, objects in manifests.render(config.spec, root.spec).items():
            items = tuple(manifest.SingleManifest(object=obj) for obj in objects)
            await r.put(manifest.Manifest(name, manifest.Manifest.Spec(items=items)))
