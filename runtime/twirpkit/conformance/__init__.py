"""A conformance suite for generated clients: recorded exchanges, played through the sync and the async client.

```python
EXCHANGES = load("tests/recordings/hats.jsonl")

@pytest.fixture(scope="module")
def suite():
    with Suite(HatsAPI, AsyncHatsAPI, credentials={"auth": "Bearer x"}, authorization="Bearer x") as suite:
        yield suite

@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=str)
def test_conforms(suite, mode, exchange):
    assert suite.play(mode, exchange) == []
```

The guide is `docs/conformance.md`.
"""

from twirpkit.conformance.exchange import Exchange, RecordedRequest, RecordedResponse, load
from twirpkit.conformance.playback_plan import Plan, Route
from twirpkit.conformance.replay_server import ReplayServer, Responder, by_request
from twirpkit.conformance.request_forms import RequestForm
from twirpkit.conformance.suite import Mode, Suite
from twirpkit.conformance.tokens import ExpectedAuthorization, SignedTokens
from twirpkit.testing.http_parsing import ReceivedRequest

__all__ = [
    "Exchange",
    "ExpectedAuthorization",
    "Mode",
    "Plan",
    "ReceivedRequest",
    "RecordedRequest",
    "RecordedResponse",
    "ReplayServer",
    "RequestForm",
    "Responder",
    "Route",
    "SignedTokens",
    "Suite",
    "by_request",
    "load",
]
