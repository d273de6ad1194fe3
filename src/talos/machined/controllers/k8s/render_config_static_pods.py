"""Configuration files of the control plane's static pods."""

from __future__ import annotations

from pathlib import Path

from talos.base.constants import users
from talos.cosi import controller
from talos.k8s import apiserver_files, encode, flags, static_pods
from talos.linux import files
from talos.machined.controllers.k8s import _version
from talos.machined.controllers.k8s.control_plane_final import final_id
from talos.machinery.resources.k8s import (
    admission_control_config,
    audit_policy_config,
    authentication_config,
    authorization_config,
    config_status,
    scheduler_config,
)


class RenderConfigsStaticPodController(controller.Controller):
    """Write admission, audit, authentication, authorization and scheduler files, each for its component's user."""

    inputs = (
        controller.weak(admission_control_config.AdmissionControlConfig),
        controller.weak(audit_policy_config.AuditPolicyConfig),
        controller.weak(authorization_config.AuthorizationConfig),
        controller.weak(authentication_config.AuthenticationConfig),
        controller.weak(scheduler_config.SchedulerConfig, id=final_id(static_pods.SCHEDULER)),
    )
    outputs = (controller.exclusive(config_status.ConfigStatus),)

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    async def reconcile(self, r: controller.Handle) -> None:
        """Write the files once every part is known, then say which version is there."""
        admission = await r.find(
            admission_control_config.AdmissionControlConfig, admission_control_config.ADMISSION_CONTROL_CONFIG_ID
        )
        audit = await r.find(audit_policy_config.AuditPolicyConfig, audit_policy_config.AUDIT_POLICY_CONFIG_ID)
        authorization = await r.find(
            authorization_config.AuthorizationConfig, authorization_config.AUTHORIZATION_CONFIG_ID
        )
        authentication = await r.find(
            authentication_config.AuthenticationConfig, authentication_config.AUTHENTICATION_CONFIG_ID
        )
        scheduler = await r.find(scheduler_config.SchedulerConfig, final_id(static_pods.SCHEDULER))
        if admission is None or audit is None or authorization is None:
            return
        wanted = {
            "admission-control-config.yaml": apiserver_files.admission(admission.spec.config),
            "auditpolicy.yaml": apiserver_files.audit_policy(audit.spec.config),
            "authorization-config.yaml": apiserver_files.authorization(authorization.spec.config),
        }
        if authentication is not None:
            wanted["authentication-config.yaml"] = apiserver_files.authentication(authentication.spec.config)
        self._write(flags.API_SERVER_CONFIG, users.API_SERVER, wanted)
        if scheduler is not None:
            self._write(flags.SCHEDULER_CONFIG, users.SCHEDULER, {"scheduler-config.yaml": scheduler.spec.config})
        parts = (admission, audit, authorization, authentication, scheduler)
        version = _version.of_files(
            (part.metadata.type, _version.of_spec(part.spec).encode()) for part in parts if part is not None
        )
        spec = config_status.ConfigStatus.Spec(ready=True, version=version)
        await r.put(config_status.ConfigStatus(config_status.CONFIG_STATUS_STATIC_POD_ID, spec))

    def _write(self, directory: Path, user: int, wanted: dict[str, dict[str, object]]) -> None:
        where = self._root / directory.relative_to("/")
        files.directory(where, mode=0o755)
        for name, content in wanted.items():
            files.write(where / name, encode.to_yaml(content).encode(), mode=0o400, uid=user, gid=user)
        files.keep_only(where, wanted)
