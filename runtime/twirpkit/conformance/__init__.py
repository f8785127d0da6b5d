"""Do generated clients conform? Recorded exchanges, a replay server, and one suite over the sync and the async client.

```python
EXCHANGES = load("tests/recordings/hats.jsonl")

@pytest.fixture(scope="module")
def suite():
    with Suite(HatsAPI, AsyncHatsAPI, credentials={"auth": "Bearer x"}, authorization="Bearer x") as suite:
        yield suite

@pytest.mark.parametrize("world", ["sync", "async"])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=str)
def test_conforms(suite, world, exchange):
    assert suite.play(world, exchange) == []
```

The guide is `docs/conformance.md`.
"""

from twirpkit.conformance.exchange import Exchange, RecordedRequest, RecordedResponse, load
from twirpkit.conformance.playback_plan import Plan, Route
from twirpkit.conformance.replay_server import Answerer, ReplayServer, by_request
from twirpkit.conformance.request_forms import Form
from twirpkit.conformance.suite import Suite, WorldName
from twirpkit.conformance.tokens import Authorization, SignedTokens
from twirpkit.testing.http_parsing import Received

__all__ = [
    "Answerer",
    "Authorization",
    "Exchange",
    "Form",
    "Plan",
    "Received",
    "RecordedRequest",
    "RecordedResponse",
    "ReplayServer",
    "Route",
    "SignedTokens",
    "Suite",
    "WorldName",
    "by_request",
    "load",
]
