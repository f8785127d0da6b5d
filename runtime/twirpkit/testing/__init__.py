"""A scripted HTTP server with a ledger of its requests, and a checker that compares a client's results with it.

```python
with ScriptedServer(sequence(break_off(), reply(Hat(inches=3)))) as server, HatsAPI(server.url, auth="x") as hats:
    assert hats.hat.make_hat(inches=3).inches == 3
assert [entry.status for entry in server.ledger.entries()] == [None, 200]
```

It uses raw sockets and threads on 127.0.0.1, and tests any client. The guide is `docs/testing.md`.
"""

from twirpkit.testing.behaviours import (
    Behaviour,
    Close,
    CloseOnNext,
    Execute,
    Hang,
    Keep,
    Read,
    Reset,
    Send,
    Signal,
    StartTls,
    Step,
    Wait,
    break_off,
    cut,
    delay,
    drip,
    hang,
    keep_alive_race,
    respond,
    respond_early,
    tunnel,
)
from twirpkit.testing.bombs import compressed_bomb, endless_chunks, identity_bomb, many_headers
from twirpkit.testing.check import Contradiction, Outcome, Outcomes, Report, Rule, check
from twirpkit.testing.http_parsing import ReceivedRequest
from twirpkit.testing.ledger import Entry, Ledger
from twirpkit.testing.listener import black_hole
from twirpkit.testing.script import Script, by_path, by_rpc, mix, sequence
from twirpkit.testing.scripted_request import Request
from twirpkit.testing.scripted_responses import (
    Encoding,
    ScriptedResponse,
    error,
    framing_faults,
    http,
    regions,
    reply,
    retry_after,
)
from twirpkit.testing.scripted_server import Cluster, ScriptedServer, ServerOptions

__all__ = [
    "Behaviour",
    "Close",
    "CloseOnNext",
    "Cluster",
    "Contradiction",
    "Encoding",
    "Entry",
    "Execute",
    "Hang",
    "Keep",
    "Ledger",
    "Outcome",
    "Outcomes",
    "Read",
    "ReceivedRequest",
    "Report",
    "Request",
    "Reset",
    "Rule",
    "Script",
    "ScriptedResponse",
    "ScriptedServer",
    "Send",
    "ServerOptions",
    "Signal",
    "StartTls",
    "Step",
    "Wait",
    "black_hole",
    "break_off",
    "by_path",
    "by_rpc",
    "check",
    "compressed_bomb",
    "cut",
    "delay",
    "drip",
    "endless_chunks",
    "error",
    "framing_faults",
    "hang",
    "http",
    "identity_bomb",
    "keep_alive_race",
    "many_headers",
    "mix",
    "regions",
    "reply",
    "respond",
    "respond_early",
    "retry_after",
    "sequence",
    "tunnel",
]
