"""Kernel parameters a node sets by itself; a container leaves out those of the machine it is on."""

from __future__ import annotations

from pathlib import Path

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.runtime.kernel_param_default_spec import KernelParamDefaultSpec

EVERYWHERE = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.icmp_ignore_bogus_error_responses": "1",
    "net.ipv4.icmp_echo_ignore_broadcasts": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.ip_local_reserved_ports": "50000,50001",
    "net.ipv4.tcp_keepalive_time": "600",
    "net.ipv4.tcp_keepalive_intvl": "60",
    "kernel.panic": "10",
    "kernel.pid_max": "262144",
    "vm.overcommit_memory": "1",
    "fs.inotify.max_user_instances": "8192",
    "fs.aio-max-nr": "1048576",
}
WITH_IPV6 = {"net.ipv6.conf.default.forwarding": "1", "net.ipv6.conf.default.accept_ra": "2"}
ON_MACHINES = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "kernel.panic_on_oops": "1",
    "kernel.ctrl-alt-del": "0",
    "dev.tty.ldisc_autoload": "0",
    "dev.tty.legacy_tiocsti": "0",
    "fs.protected_symlinks": "1",
    "fs.protected_hardlinks": "1",
    "fs.protected_fifos": "2",
    "fs.protected_regular": "2",
    "fs.suid_dumpable": "0",
    "kernel.kptr_restrict": "2",
    "kernel.dmesg_restrict": "1",
    "kernel.perf_event_paranoid": "3",
    "kernel.randomize_va_space": "2",
    "kernel.yama.ptrace_scope": "2",
    "user.max_user_namespaces": "0",
    "kernel.unprivileged_bpf_disabled": "1",
    "net.core.bpf_jit_harden": "2",
    "vm.unprivileged_userfaultfd": "0",
}
"""The last fifteen are the Kernel Self Protection Project's."""


def defaults(mode: Mode, *, ipv6: bool) -> dict[str, str]:
    """Return the parameters of a mode."""
    chosen = EVERYWHERE | (WITH_IPV6 if ipv6 else {})
    return chosen if mode is Mode.CONTAINER else chosen | ON_MACHINES


class KernelParamDefaultsController(controller.Controller):
    """One spec for each parameter; failures do not matter in a container, where many are read-only."""

    outputs = (controller.shared(KernelParamDefaultSpec),)

    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    async def reconcile(self, r: controller.Handle) -> None:
        """The table as resources."""
        ipv6 = Path("/proc/net/if_inet6").exists()
        for name, value in defaults(self._mode, ipv6=ipv6).items():
            ignore = self._mode is Mode.CONTAINER or name in ON_MACHINES
            spec = KernelParamDefaultSpec.Spec(value=value, ignore_errors=ignore)
            await r.put(KernelParamDefaultSpec(f"proc.sys.{name}", spec))
