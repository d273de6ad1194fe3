"""trustd: signs the server certificates of nodes that know the token. Control plane only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from talos.base.constants import cgroups, paths, ports, users
from talos.cosi import state
from talos.linux import cgroup
from talos.machined import programs
from talos.machinery.resources.secrets import trustd_certificate
from talos.supervisor import condition, health, service
from talos.supervisor.runner import Runner, process


class Trustd(service.Service):
    """The certificate authority's front desk."""

    id: ClassVar[str] = "trustd"

    def __init__(self, store: state.State) -> None:
        self._store = store
        self.health = health.HealthCheck(self._check, interval_s=10.0, initial_delay_s=0.1)

    async def _check(self) -> None:
        await health.tcp_open("127.0.0.1", ports.TRUSTD)

    def conditions(self) -> Sequence[condition.Condition]:
        """Its certificate, and the socket it reads it from."""
        return (
            condition.Ready(
                self._store,
                trustd_certificate.TrustdCertificate,
                trustd_certificate.TRUSTD_ID,
                text="trustd certificates to be issued",
            ),
            condition.FileExists(paths.TRUSTD_RUNTIME_SOCKET),
        )

    def runner(self) -> Runner:
        """The program, under its user and in its cgroup."""
        part = cgroups.TRUSTD
        return process.Process(
            argv=programs.argv(self.id),
            env=programs.environment(),
            uid=users.TRUSTD,
            gid=users.TRUSTD,
            capabilities=frozenset(),
            no_new_privileges=True,
            oom_score_adj=-998,
            cgroup=part.path,
            limits=cgroup.Limits(memory_max_bytes=part.max_bytes),
        )
