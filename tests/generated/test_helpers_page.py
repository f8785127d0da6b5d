"""docs/helpers.md: its examples run, and it has every helper."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from recipes import DOCS, blocks, recipe_module

import livekit_twirp
from livekit_twirp import (
    AgentDispatch,
    EgressInfo,
    HttpRequest,
    HttpResponse,
    ListAgentDispatchResponse,
    ListEgressResponse,
    ListSIPOutboundTrunkResponse,
    LiveKitAPI,
    ParticipantInfo,
)
from livekit_twirp._sdk import PACKAGE

PAGE = "helpers.md"
ENDED = EgressInfo(egress_id="EG_1", status="EGRESS_FAILED", error="no space")
RESPONSES: dict[str, Any] = {
    "GetParticipant": ParticipantInfo(identity="ann", state="ACTIVE", permission={"can_publish": True}),
    "UpdateParticipant": ParticipantInfo(identity="ann"),
    "StopEgress": EgressInfo(egress_id="EG_1", status="EGRESS_ENDING"),
    "ListEgress": ListEgressResponse(items=[ENDED]),
    "ListDispatch": ListAgentDispatchResponse(agent_dispatches=[AgentDispatch(id="AD_1", agent_name="scribe")]),
    "ListSIPOutboundTrunk": ListSIPOutboundTrunkResponse(),
}


class Canned:
    """A transport with a response for each RPC of the examples."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        content = RESPONSES[request.url.rpartition("/")[2]].SerializeToString()
        return HttpResponse(200, {"content-type": "application/protobuf"}, content)

    def close(self) -> None: ...


def test_examples_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with LiveKitAPI("localhost:1", token="t", transport=Canned()) as lk:
        made = recipe_module(monkeypatch, PAGE, *blocks(PAGE), lk=lk)
    assert (made.participant.identity, made.dispatch.id, made.trunk) == ("ann", "AD_1", None)
    assert capsys.readouterr().out == "the recording failed: no space\nno trunk calls from this number\n"


def test_names_every_helper() -> None:
    text = (DOCS / PAGE).read_text("utf-8")
    for facts in PACKAGE.services.values():
        service = getattr(livekit_twirp, facts.class_name)
        rpcs = {method.py_name for method in service._methods}
        rpcs |= {method.pages.py_name for method in service._methods if method.pages is not None}
        public = {name for name, _ in inspect.getmembers(service, inspect.isfunction) if not name.startswith("_")}
        for name in public - rpcs - {"with_options"}:
            assert re.search(rf"`lk\.{facts.attribute}\.{name}`", text), name
