import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import pidfd, process


async def test_run_returns_output_and_feeds_input() -> None:
    done = await process.run(["cat"], stdin=b"x" * 300_000, timeout_s=10)
    assert (done.code, len(done.stdout)) == (0, 300_000)


async def test_failed_command_prints_a_line_to_paste() -> None:
    with pytest.raises(process.CommandFailed) as caught:
        await process.run(["sh", "-c", "echo 'out of luck' >&2; exit 3"], timeout_s=10)
    assert str(caught.value) == "sh -c 'echo '\"'\"'out of luck'\"'\"' >&2; exit 3': exit code 3: out of luck"
    assert caught.value.code == 3


async def test_timeout_kills_the_whole_group() -> None:
    with pytest.raises(errors.TimedOut):
        await process.run(["sh", "-c", "sleep 61 & sleep 62"], timeout_s=0.2)
    await asyncio.sleep(0.05)
    assert not any(args in (b"sleep\x0061\x00", b"sleep\x0062\x00") for args in _cmdlines())


def _cmdlines() -> list[bytes]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "cmdline").read_bytes())
            except OSError:
                continue
    return found


async def test_missing_program_raises_in_the_parent() -> None:
    with pytest.raises(FileNotFoundError, match="exec"):
        process.spawn(process.Spawn(["/does/not/exist"]))


async def test_spawn_reports_exit_code_and_signal() -> None:
    child = process.spawn(process.Spawn(["/bin/sh", "-c", "exit 7"]))
    assert await child.wait() == (7, 0)
    child = process.spawn(process.Spawn(["/bin/sleep", "60"]))
    child.handle.signal(signal.SIGTERM)
    assert await child.wait() == (None, signal.SIGTERM)


async def test_child_starts_with_clean_signals_session_and_environment(tmp_path: Path) -> None:
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    code = (
        "import os,signal;print(os.getsid(0) == os.getpid(), os.environ.get('A'), sorted(os.listdir('/proc/self/fd')))"
    )
    child = process.spawn(process.Spawn([sys.executable, "-I", "-c", code], env={"A": "b"}, stdio=fifo))
    assert (await child.wait())[0] == 0
    text = os.read(reader, 4096).decode()
    os.close(reader)
    # No descriptor of ours leaked (3 is the listing's own).
    assert "True b ['0', '1', '2', '3']" in text


async def test_pidfd_handle_tells_a_reused_pid_from_the_same_process() -> None:
    child = process.spawn(process.Spawn(["/bin/sleep", "60"]))
    found = pidfd.Handle.find(child.pid, child.started)
    assert found is not None
    found.close()
    assert pidfd.Handle.find(child.pid, child.started + 1) is None
    child.handle.signal(signal.SIGKILL)
    await child.wait()
    assert pidfd.Handle.find(child.pid, child.started) is None
