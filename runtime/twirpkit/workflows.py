"""Workflows: several calls that belong together, such as waiting for a state, written once for both clients.

A workflow is a generator without I/O. It yields a `Call`, and is sent the response or thrown the call's `TwirpError`;
or a `Pause`, and is sent True if there is time left. It returns the result. `run_workflow` drives one with a sync
client, `arun_workflow` with an async one.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from google.protobuf.message import Message

from twirpkit._engine.plan import method_plan
from twirpkit.client import AsyncClient, Client
from twirpkit.errors import TwirpError
from twirpkit.options import CallOptions, Unset, check_timeout
from twirpkit.rpc import Method

__all__ = ["Call", "Pause", "Workflow", "arun_workflow", "run_workflow"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a workflow."""

    method: Method[Any, Any]
    request: Message | Mapping[str, Any]
    """The request, as a generated method takes it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of a workflow. It ends early where the time of the workflow does."""

    seconds: float


Workflow: TypeAlias = Generator[Call | Pause, Any, T]


def run_workflow(client: Client, workflow: Workflow[T], timeout: float | Unset | None, default: float) -> T:
    """Run a workflow with a sync client.

    Args:
        client: Makes the calls, each with the client's options.
        workflow: The steps.
        timeout: Seconds for the whole workflow; None for no limit; `UNSET` for the client's, or the default. Each call
            may take what is left, but not more than it may take on its own.
        default: Seconds where neither the workflow nor its client has a timeout.

    Raises:
        TypeError, ValueError: The timeout, or an argument of the workflow, is refused.
        TwirpError: A call failed, or the time is up.
    """
    run = _Run(client, workflow, timeout, default)
    while (step := run.step) is not None:
        if isinstance(step, Pause):
            time.sleep(run.pause(step))
            run.resume(run.has_time)
            continue
        try:
            response = client.call(step.method, step.request, {}, run.options(step))
        except TwirpError as error:
            run.fail(error)
        else:
            run.resume(response)
    return run.result


async def arun_workflow(client: AsyncClient, workflow: Workflow[T], timeout: float | Unset | None, default: float) -> T:
    """Run a workflow as `run_workflow` does, with an async client."""
    import asyncio  # here: a sync client does without it

    run = _Run(client, workflow, timeout, default)
    while (step := run.step) is not None:
        if isinstance(step, Pause):
            await asyncio.sleep(run.pause(step))
            run.resume(run.has_time)
            continue
        try:
            response = await client.call(step.method, step.request, {}, run.options(step))
        except TwirpError as error:
            run.fail(error)
        else:
            run.resume(response)
    return run.result


class _Run(Generic[T]):
    """The position in a workflow, and the time that it has left."""

    result: T

    def __init__(
        self, client: Client | AsyncClient, workflow: Workflow[T], timeout: float | Unset | None, default: float
    ) -> None:
        self._config = client._config
        if isinstance(timeout, Unset):
            timeout = self._config.timeout
        seconds = default if isinstance(timeout, Unset) else check_timeout(timeout)
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._workflow = workflow
        self.step: Call | Pause | None = None
        """The step to take next; None at the end."""
        self.resume(None)

    def resume(self, outcome: Any) -> None:
        """Send the outcome of a step to the workflow."""
        try:
            self.step = self._workflow.send(outcome)
        except StopIteration as done:
            self.step, self.result = None, done.value

    def fail(self, error: TwirpError) -> None:
        """Throw the error of a call into the workflow."""
        try:
            self.step = self._workflow.throw(error)
        except StopIteration as done:
            self.step, self.result = None, done.value

    @property
    def has_time(self) -> bool:
        """True if the workflow may go on."""
        return self._deadline is None or time.monotonic() < self._deadline

    def pause(self, step: Pause) -> float:
        """Return the seconds to wait."""
        if self._deadline is None:
            return step.seconds
        return max(0.0, min(step.seconds, self._deadline - time.monotonic()))

    def options(self, step: Call) -> CallOptions:
        """Return the options of a call: it may take what is left, and not more than on its own (rule B1)."""
        own = method_plan(self._config, step.method).timeout
        if self._deadline is None:
            return CallOptions()
        left = max(0.0, self._deadline - time.monotonic())
        return CallOptions(left if own is None else min(own, left))
