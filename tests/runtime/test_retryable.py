"""`TwirpError.retryable`: which calls a caller may make again (rule C5), and the recipe for Celery."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attempt_outcomes import AT_ONCE, METHODS, answered, endpoint, failed
from scripted_transport import Opened, failure_of, open_livekit

from livekit_twirp import SIPParticipantInfo
from twirpkit import HttpResponse, Phase, TransportFailure, TwirpError
from twirpkit._engine.retry import AttemptOutcome, can_be_made_again
from twirpkit.rpc import RetryClass

Bare = Callable[..., Opened]

FINAL = TransportFailure("the certificate has expired", Phase.NOT_SENT, final=True)
PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("retry", list(RetryClass))
@pytest.mark.parametrize("sent", ["no", "maybe", "yes"])
@pytest.mark.parametrize("outcome", list(AttemptOutcome))
def test_each_outcome(outcome: AttemptOutcome, sent: Any, retry: RetryClass) -> None:
    harmless = sent == "no" or retry in ("read", "idempotent")
    ends_otherwise = outcome not in (AttemptOutcome.CONCLUSIVE, AttemptOutcome.FINAL)

    assert can_be_made_again(retry, outcome, sent) is (harmless and ends_otherwise)


@pytest.mark.parametrize(
    ("method", "outcome", "retryable"),
    [
        ("never", failed(Phase.NOT_SENT), True),
        ("never", failed(Phase.STALE), False),
        ("never", failed(Phase.NO_ANSWER, timed_out=True), False),
        ("never", answered(503), False),
        ("never", answered(503, "unavailable"), False),
        ("never", FINAL, False),
        ("keyed", failed(Phase.CUT), False),
        ("keyed", failed(Phase.NOT_SENT), True),
        ("idempotent", failed(Phase.CUT), True),
        ("idempotent", answered(500, "internal"), True),
        ("read", answered(404, "not_found"), False),
        ("read", FINAL, False),
    ],
)
def test_of_a_call(bare: Bare, method: str, outcome: Any, retryable: bool) -> None:
    error = failure_of(bare(endpoint(retry=None), outcome).call, METHODS[method])

    assert error.retryable is retryable


def test_a_call_in_doubt_stays_so_when_its_last_attempt_is_not_sent(bare: Bare) -> None:
    opened = bare(endpoint(), answered(503), failed(Phase.NOT_SENT))

    error = failure_of(opened.call, METHODS["keyed"])

    assert (error.sent, error.retryable) == ("maybe", False)


class Again(Exception):
    """Stands for what Celery raises to run a task again."""


class Task:
    """Stands for the task object that Celery passes to a bound task."""

    def retry(self, *, exc: Exception, countdown: float) -> Again:
        return Again(exc)


def recipe(client: Any) -> Callable[..., Any]:
    """Return the task of the page, with a stand-in for the Celery app."""
    (code,) = re.findall(r"```python\n(@app\.task.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("recipe")
    app = types.SimpleNamespace(task=lambda **_: lambda function: function)
    module.__dict__.update(app=app, lk=client, TwirpError=TwirpError)
    exec(code, module.__dict__)
    task: Callable[..., Any] = module.__dict__["dial"]
    return task


@pytest.mark.parametrize(
    ("outcome", "raised", "requests"),
    [
        (failed(Phase.NOT_SENT), Again, 3),
        (failed(Phase.NO_ANSWER), TwirpError, 1),
        (answered(504), TwirpError, 1),
        (answered(400, "invalid_argument"), TwirpError, 1),
    ],
)
def test_the_recipe_for_celery_dials_no_number_twice(outcome: Any, raised: type[Exception], requests: int) -> None:
    opened = open_livekit("sync", outcome, retry=AT_ONCE)

    with pytest.raises(raised):
        recipe(opened.client)(Task(), "+1")
    assert len(opened.requests) == requests


def test_the_recipe_for_celery_returns_the_call() -> None:
    body = SIPParticipantInfo(sip_call_id="SCL_1").SerializeToString()
    opened = open_livekit("sync", HttpResponse(200, {}, body))

    assert recipe(opened.client)(Task(), "+1") == "SCL_1"
