"""PID 1 of a node: mounts what is missing, runs machined, reaps, and never ends because something else did.

    start ─ mounts ─ own cgroup ─ ┌─ run machined ─ it ends ─┬─ exit code 80/81: the machine goes down ── kill all ─ end
                                  └── pause ◄────────────────┘─ anything else: machined crashed

The standard library only, and little of it: what is not imported cannot break PID 1. The agreement with machined is its
exit code; the agreement with whoever started a container node is ours (docs/design/init.md).
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

MACHINED = ("/usr/bin/machined",)

# machined -> init
MACHINED_SHUTDOWN = 80
MACHINED_REBOOT = 81
# init -> provisioner (container mode)
EXIT_SHUTDOWN = 0
EXIT_REBOOT = 42

SHUTDOWN_LIMIT_S = 150.0
KILL_GRACE_S = 5.0
PAUSE_FIRST_S = 0.1
PAUSE_MAX_S = 5.0
STABLE_S = 30.0

# A machine on which nothing says in time that it is good starts again, so that the loader counts another attempt.
GOOD = "/run/boot-good"
BOOT_LIMIT_S = 1800.0
BOOT_LIMIT_ARGUMENT = "pytalos.boot_timeout="
GUARD_VARIABLE = "PYTALOS_GUARD"

CGROUP_ROOT = "/sys/fs/cgroup"
CONTAINER_MARKER = "/usr/etc/in-container"

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_SHARED, MS_STRICTATIME = 2, 4, 8, 16384, 1 << 20, 1 << 24
RB_POWER_OFF, RB_AUTOBOOT = 0x4321FEDC, 0x01234567

# target, type, flags, options, needed (a missing optional one is only reported)
MOUNTS: tuple[tuple[str, str, int, str, bool], ...] = (
    ("/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, "", True),
    ("/sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "", True),
    ("/dev", "devtmpfs", MS_NOSUID, "mode=0755", True),
    ("/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=000,mode=620,gid=5", False),
    ("/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m", False),
    ("/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, "", False),
    ("/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_STRICTATIME, "mode=0755", True),
    ("/system", "tmpfs", 0, "mode=0755", True),
    ("/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m", True),
)

# What only a machine needs: its starter has made these for a container.
MACHINE_MOUNTS: tuple[tuple[str, str, int, str, bool], ...] = (
    ("/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, "nsdelegate,memory_recursiveprot", True),
    ("/sys/fs/bpf", "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700", False),
    ("/sys/kernel/security", "securityfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "", False),
    ("/sys/kernel/tracing", "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "", False),
)

WATCHED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP})


def say(text: str) -> None:
    """Write one line to the console; a console that is gone is no reason to end."""
    try:
        os.write(2, f"[init] {text}\n".encode(errors="replace"))
    except OSError:
        pass


def in_container() -> bool:
    """Tell whether whoever started us has made the machine (namespaces) or the kernel has."""
    return os.environ.get("PLATFORM") == "container" or os.path.exists(CONTAINER_MARKER)


# --- mounts


_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    """mount(2). Raises OSError."""
    if _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def is_mount_point(path: str) -> bool:
    """Tell whether something is mounted exactly here; works before /proc is there."""
    try:
        here, above = os.stat(path), os.stat(os.path.join(path, ".."))
    except OSError:
        return False
    return here.st_dev != above.st_dev or here.st_ino == above.st_ino


def mount_missing(mounts: Sequence[tuple[str, str, int, str, bool]] = MOUNTS) -> None:
    """Mount every entry of the table whose target is not a mount point yet."""
    for target, kind, flags, options, needed in mounts:
        if is_mount_point(target):
            continue
        try:
            if not os.path.isdir(target):
                os.makedirs(target, exist_ok=True)
            mount(kind, target, kind, flags, options)
        except OSError as error:
            say(f"{'cannot mount' if needed else 'not mounted:'} {target}: {error.strerror}")


def share_mounts() -> None:
    """Let mounts below / propagate between the node and its containers, as kubelet and CSI drivers need."""
    try:
        mount("none", "/", "", MS_REC | MS_SHARED, "")
    except OSError as error:
        say(f"mounts are not shared: {error.strerror}")


# --- drivers


def start_driver_watch() -> int:
    """Load drivers in a process of its own, beside machined; the pid. Its death leaves what is loaded."""
    pid = os.fork()
    if pid:
        return pid
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    try:
        from talos.init import modules

        modules.watch(say)
    except BaseException as error:
        say(f"drivers are no longer loaded: {type(error).__name__}: {error}")
    os._exit(1)


# --- the time a boot may take


def boot_limit_s(cmdline: str) -> float:
    """Seconds until the machine has to be good: BOOT_LIMIT_S, or what the kernel's command line says."""
    word = (cmdline.partition(BOOT_LIMIT_ARGUMENT)[2].split() or [""])[0]
    return float(word) if word.isdigit() else BOOT_LIMIT_S


def dismiss_guard() -> None:
    """End the process by which the first stage made sure that we are reached."""
    try:
        os.kill(int(os.environ.pop(GUARD_VARIABLE)), signal.SIGKILL)
    except (KeyError, ValueError, OSError):
        say("the first stage left no guard")


# --- cgroups


def cgroup_directories(mountinfo: str) -> list[str]:
    """Return the directories where cgroup hierarchies are mounted, from the text of /proc/self/mountinfo."""
    found: list[str] = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")[0]
        if len(fields) > 4 and kind in ("cgroup", "cgroup2") and fields[4].startswith(CGROUP_ROOT):
            found.append(fields[4])
    return found


def _fill_cpuset(directory: str) -> None:
    """A v1 cpuset takes no process before it has CPUs and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        path = os.path.join(directory, name)
        if os.path.exists(path) and not _read(path).strip():
            _write(path, _read(os.path.join(os.path.dirname(directory), name)))


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as source:
        return source.read()


def _write(path: str, text: str) -> None:
    with open(path, "r+", encoding="utf-8") as target:
        target.write(text)


def enter_own_cgroup(directories: Sequence[str]) -> None:
    """Move everything from the root of each hierarchy to its child `init`.

    A v2 cgroup gives controllers to its children only while it holds no process itself.
    """
    for top in directories:
        try:
            child = os.path.join(top, "init")
            os.makedirs(child, exist_ok=True)
            _fill_cpuset(child)
            for pid in _read(os.path.join(top, "cgroup.procs")).split():
                # 0 stands for a process of another pid namespace.
                if pid == "0":
                    continue
                try:
                    _write(os.path.join(child, "cgroup.procs"), pid)
                except ProcessLookupError:
                    pass
                except OSError as error:
                    # Threads of the kernel stay where they are, and do not count.
                    if error.errno != errno.EINVAL:
                        raise
        except OSError as error:
            say(f"cgroup {top}: {error.strerror}")


# --- machined


class Init:
    """The state of PID 1: at most one machined, and whether the machine goes down."""

    def __init__(
        self,
        command: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        *,
        limit_s: float | None = None,
        good: str = GOOD,
    ) -> None:
        self.command = command
        self.clock = clock
        self.good = good
        self.good_by = None if limit_s is None else clock() + limit_s
        self.pid = 0
        self.began = 0.0
        self.next_start = clock()
        self.failures = 0
        self.deadline: float | None = None
        self.result: int | None = None

    def start(self) -> None:
        """Start machined with default signals and a clean mask; a failure counts as a crash."""
        self.began = self.clock()
        try:
            self.pid = os.posix_spawn(
                self.command[0],
                list(self.command),
                os.environ,
                setsigmask=(),
                setsigdef=WATCHED | {signal.SIGPIPE},
                setsid=True,
            )
        except OSError as error:
            say(f"machined cannot be started: {error.strerror}")
            self.pid = 0
            self._plan_restart()

    def _plan_restart(self) -> None:
        if self.clock() - self.began >= STABLE_S:
            self.failures = 0
        pause = 0.0 if self.failures == 0 else min(PAUSE_FIRST_S * 2 ** (self.failures - 1), PAUSE_MAX_S)
        self.failures += 1
        self.next_start = self.clock() + pause
        say(f"machined is started again in {pause:.1f} s")

    def ended(self, status: int) -> None:
        """Take note of the end of machined: an agreed exit code ends the machine, anything else is a crash."""
        self.pid = 0
        code = os.waitstatus_to_exitcode(status)
        if code in (MACHINED_SHUTDOWN, MACHINED_REBOOT):
            self.result = code
            return
        say(f"machined ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}")
        if self.deadline is not None:
            # It was asked to shut the machine down and died on the way: what is left is ours.
            self.result = MACHINED_SHUTDOWN
            return
        self._plan_restart()

    def asked_to_stop(self, number: int) -> None:
        """Pass the wish to machined, which stops the services in order; bounded by SHUTDOWN_LIMIT_S."""
        say(f"signal {number}: shutting down")
        if self.deadline is None:
            self.deadline = self.clock() + SHUTDOWN_LIMIT_S
        if self.pid:
            os.kill(self.pid, number)
        else:
            self.result = MACHINED_SHUTDOWN

    def reap(self) -> None:
        """Collect every ended child, ours or inherited."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.ended(status)

    def wait_s(self) -> float:
        """Seconds until something must be done without a signal."""
        times = [self.clock() + 60]
        if not self.pid and self.result is None:
            times.append(self.next_start)
        times += [limit for limit in (self.deadline, self.good_by) if limit is not None]
        return max(0.0, min(times) - self.clock())

    def turn(self) -> None:
        """One round: wait for a signal or the next time to act, and act."""
        received = signal.sigtimedwait(WATCHED, self.wait_s())
        if received is not None and received.si_signo in (signal.SIGTERM, signal.SIGINT):
            self.asked_to_stop(received.si_signo)
        self.reap()
        if self.deadline is not None and self.clock() >= self.deadline:
            say("shutdown took too long, ending everything")
            self.result = MACHINED_SHUTDOWN
        if self.good_by is not None and self.clock() >= self.good_by:
            self.good_by = None
            if self.deadline is None and not os.path.exists(self.good):
                say("nothing said in time that this system is good: starting again")
                self.result = MACHINED_REBOOT
        if self.result is None and not self.pid and self.clock() >= self.next_start:
            self.start()

    def run(self) -> int:
        """Turn until the machine goes down; returns MACHINED_SHUTDOWN or MACHINED_REBOOT. No error ends it."""
        while self.result is None:
            try:
                self.turn()
            except Exception as error:
                say(f"unexpected: {type(error).__name__}: {error}")
                time.sleep(0.1)
        return self.result


# --- the end


def kill_all(grace_s: float = KILL_GRACE_S) -> None:
    """End every process of the machine: SIGTERM, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            return
        except OSError as error:
            say(f"kill: {error.strerror}")
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                signal.sigtimedwait({signal.SIGCHLD}, 0.05)


def finish(result: int, container: bool) -> int:
    """Return the exit code of a container node, or power off / restart the machine (does not return then)."""
    kill_all()
    os.sync()
    reboot = result == MACHINED_REBOOT
    say("rebooting" if reboot else "down")
    if container:
        return EXIT_REBOOT if reboot else EXIT_SHUTDOWN
    _libc.reboot(ctypes.c_uint(RB_AUTOBOOT if reboot else RB_POWER_OFF))
    say(f"reboot(2): {errno.errorcode.get(ctypes.get_errno(), 'failed')}")
    while True:
        time.sleep(3600)


def main() -> int:
    """Run as PID 1. Arguments, if any, are the command to run instead of machined (for tests)."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    container = in_container()
    mount_missing()
    limit_s = None
    if not container:
        dismiss_guard()
        limit_s = boot_limit_s(_read("/proc/cmdline"))
        mount_missing(MACHINE_MOUNTS)
        start_driver_watch()
    share_mounts()
    try:
        enter_own_cgroup(cgroup_directories(_read("/proc/self/mountinfo")))
    except OSError as error:
        say(f"cgroups: {error.strerror}")
    return finish(Init(sys.argv[1:] or MACHINED, limit_s=limit_s).run(), container)


if __name__ == "__main__":
    sys.exit(main())
