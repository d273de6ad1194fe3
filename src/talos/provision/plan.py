"""Steps and the engine that does and undoes them.

A step says what it needs first (`after`), and is done once those are. Independent steps run side by side. Doing a step
that is done already, wholly or in part, completes it; undoing one that is not there does nothing. Those two rules and
the write-ahead record (see `state`) are all there is to resuming and rolling back.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from talos.base import errors
from talos.provision.state import Cluster


class StepFailed(errors.TalosError):
    """A step did not succeed. `hint` says what a person can do, `log` is the end of the log that belongs to it."""

    def __init__(self, step: Step, cause: BaseException, *, hint: str = "", log: Sequence[str] = ()) -> None:
        self.step, self.cause, self.hint, self.log = step, cause, hint, tuple(log)
        super().__init__(f"{step.title}: {cause or type(cause).__name__}")


class Progress(Protocol):
    """Who is told about steps. Keys are those of the steps."""

    def begin(self, key: str, title: str) -> None:
        """A step begins."""

    def update(self, key: str, text: str) -> None:
        """What the step is waiting for now."""

    def done(self, key: str, elapsed_s: float) -> None:
        """It succeeded."""

    def failed(self, key: str, elapsed_s: float, reason: str) -> None:
        """It did not."""

    def note(self, text: str) -> None:
        """A sentence that belongs to no step."""


class Step(ABC):
    """One thing to be made for a cluster.

    `key` names it in the state file; `recorded` is False for steps that only wait and leave nothing. Where `essential`
    is False, a failure leaves the cluster as it is, to be looked at or to go on with.
    """

    recorded: ClassVar[bool] = True
    essential: ClassVar[bool] = True
    key: str
    title: str
    after: tuple[str, ...] = ()

    @abstractmethod
    async def do(self, cluster: Cluster, progress: Progress) -> None:
        """Make it. Raises any error, after which it may be half there."""

    async def undo(self, cluster: Cluster) -> None:  # noqa: B027  (a step may have nothing to undo)
        """Remove it, or what there is of it."""

    def explain(self, cluster: Cluster, error: BaseException) -> StepFailed:
        """The failure with a hint and log lines."""
        return StepFailed(self, error)


async def do(steps: Sequence[Step], cluster: Cluster, progress: Progress) -> None:
    """Do all steps, each after those it names (names not in the list count as done).

    The first failure cancels the rest and is raised as StepFailed.
    """
    ended = {step.key: asyncio.Event() for step in steps}

    async def one(step: Step) -> None:
        for key in step.after:
            if key in ended:
                await ended[key].wait()
        await _do_one(step, cluster, progress)
        ended[step.key].set()

    tasks = [asyncio.create_task(one(step), name=f"step {step.key}") for step in steps]
    try:
        finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION) if tasks else (set(), set())
        for task in finished:
            if error := task.exception():
                raise error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _do_one(step: Step, cluster: Cluster, progress: Progress) -> None:
    began = time.monotonic()
    progress.begin(step.key, step.title)
    try:
        if step.recorded:
            cluster.record(step.key)
        await step.do(cluster, progress)
    except asyncio.CancelledError:
        progress.failed(step.key, time.monotonic() - began, "interrupted")
        raise
    except Exception as error:
        failure = error if isinstance(error, StepFailed) else step.explain(cluster, error)
        progress.failed(step.key, time.monotonic() - began, str(failure.cause))
        raise failure from error
    progress.done(step.key, time.monotonic() - began)


async def undo(steps: Sequence[Step], cluster: Cluster, *, force: bool = False) -> list[Exception]:
    """Undo the recorded ones of these steps, latest first; those of one dependency level side by side.

    Returns the failures. Without `force` nothing further is undone after one, so that a repetition finds the rest.
    """
    failures: list[Exception] = []
    for everything in reversed(levels(steps)):
        level = [step for step in everything if step.key in cluster.state.recorded]
        results = await asyncio.gather(*(step.undo(cluster) for step in level), return_exceptions=True)
        gone = [step.key for step, result in zip(level, results, strict=True) if not isinstance(result, BaseException)]
        if gone:
            cluster.forget(*gone)
        for result in results:
            if isinstance(result, Exception):
                failures.append(result)
            elif isinstance(result, BaseException):
                raise result
        if failures and not force:
            break
    return failures


def levels(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in rounds: each after everything it names. Raises Invalid for a circle."""
    left = {step.key: step for step in steps}
    found: list[list[Step]] = []
    while left:
        ready = [step for step in left.values() if not any(key in left for key in step.after)]
        if not ready:
            raise errors.Invalid(f"steps wait for each other: {', '.join(left)}")
        found.append(ready)
        for step in ready:
            del left[step.key]
    return found


class Quiet:
    """Progress for nobody."""

    def begin(self, key: str, title: str) -> None:
        """Nothing."""

    def update(self, key: str, text: str) -> None:
        """Nothing."""

    def done(self, key: str, elapsed_s: float) -> None:
        """Nothing."""

    def failed(self, key: str, elapsed_s: float, reason: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""
