"""apid: the API of the node on the network. A process of its own user, without any capability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from talos.base.constants import cgroups, paths, ports, users
from talos.cosi import state
from talos.linux import cgroup
from talos.machined import programs
from talos.machinery.resources.runtime import api_service_config
from talos.machinery.resources.secrets import api_certificate
from talos.supervisor import condition, health, service
from talos.supervisor.runner import Runner, process


class Apid(service.Service):
    """Terminates mutual TLS, derives roles, passes calls on."""

    id: ClassVar[str] = "apid"

    def __init__(self, store: state.State) -> None:
        self._store = store
        self.health = health.HealthCheck(self._check, interval_s=10.0, initial_delay_s=0.1)

    async def _check(self) -> None:
        await health.tcp_open("127.0.0.1", ports.APID)

    def conditions(self) -> Sequence[condition.Condition]:
        """Its certificate and its configuration; the socket it reads them from."""
        return (
            condition.Ready(
                self._store,
                api_service_config.APIServiceConfig,
                api_service_config.API_SERVICE_CONFIG_ID,
                text="API configuration to be ready",
            ),
            condition.Ready(
                self._store,
                api_certificate.ApiCertificate,
                api_certificate.API_ID,
                text="API certificates to be issued",
            ),
            condition.FileExists(paths.APID_RUNTIME_SOCKET),
        )

    def runner(self) -> Runner:
        """The program, under its user and in its cgroup."""
        part = cgroups.APID
        return process.Process(
            argv=programs.argv(self.id),
            env=programs.environment(),
            uid=users.APID,
            gid=users.APID,
            capabilities=frozenset(),
            no_new_privileges=True,
            oom_score_adj=-998,
            cgroup=part.path,
            limits=cgroup.Limits(memory_max_bytes=part.max_bytes),
        )
