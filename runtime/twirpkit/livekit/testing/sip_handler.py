"""``livekit.SIP`` of a fake server: trunks, rules, and calls whose outcome a test scripts."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias

from twirpkit._protocol.constants import ERROR_DETAILS
from twirpkit.error_details import encode_status
from twirpkit.errors import Code, InvalidArgumentError, NotFoundError, TwirpError, error_class
from twirpkit.livekit.testing.fake_rooms import FakeRooms
from twirpkit.livekit.testing.fake_state import WRAPPED, FakeState
from twirpkit.livekit.testing.sip_trunks import SipRecords, check_inbound, check_outbound, check_rule, legacy_trunk
from twirpkit.server.request_context import RequestContext

__all__ = ["DialOutcome", "SipHandler"]

DialOutcome: TypeAlias = Literal["answered", "busy", "declined", "no_answer", "unavailable"] | int
"""The end of a call: by name, or by the status that SIP has for it."""

WORKER_SEARCH: Final = 1.0
"""Seconds that the server looks for a worker."""
RINGING: Final = 1.0
"""Seconds from a call until it is answered or refused, where nobody waits for that."""
_STATUS_OF: Final = {"answered": 200, "busy": 486, "declined": 603, "no_answer": 408, "unavailable": 480}
_PHRASES: Final = {480: "Temporarily Unavailable", 486: "Busy Here", 603: "Decline"}
"""Texts of carriers with a status. Of others, the fake gives LiveKit's own name."""
_CODE_OF: Final = {
    404: (Code.NOT_FOUND, 5),
    407: (Code.UNAUTHENTICATED, 16),
    408: (Code.DEADLINE_EXCEEDED, 4),
    480: (Code.RESOURCE_EXHAUSTED, 8),
    486: (Code.RESOURCE_EXHAUSTED, 8),
    487: (Code.ABORTED, 10),
    488: (Code.INVALID_ARGUMENT, 3),
    503: (Code.FAILED_PRECONDITION, 9),
    603: (Code.PERMISSION_DENIED, 7),
}
"""Twirp's code of a SIP status, and gRPC's number of it."""
_OTHER: Final = (Code.INTERNAL, 13)
_TARGET: Final = re.compile("(sips?|tel):.+", re.IGNORECASE)
_RULE_FIELDS: Final = (
    "rule",
    "trunk_ids",
    "hide_phone_number",
    "inbound_numbers",
    "name",
    "metadata",
    "attributes",
    "room_preset",
    "room_config",
)


class SipHandler:
    """Handler of ``livekit.SIP``."""

    _blocking = False

    def __init__(self, state: FakeState, rooms: FakeRooms) -> None:
        self._state = state
        self._rooms = rooms
        self._inbound = SipRecords(state, "ST", "sip_trunk_id", "trunk", check_inbound)
        self._outbound = SipRecords(state, "ST", "sip_trunk_id", "trunk", check_outbound)
        self._rules = SipRecords(state, "SDR", "sip_dispatch_rule_id", "dispatch rule", check_rule)
        self._outcomes: dict[str, int] = {}

    def script(self, number: str, outcome: DialOutcome) -> None:
        """Say how calls to a number end, for a test. Raises ValueError for an outcome that is unknown."""
        status = _STATUS_OF.get(outcome, 0) if isinstance(outcome, str) else outcome
        if not 200 <= status <= 699:
            raise ValueError(f"an outcome is one of {', '.join(_STATUS_OF)}, or a SIP status from 200 to 699")
        self._outcomes[number] = status

    # --- trunks

    def create_sip_inbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Store a trunk for calls that come in."""
        return self._add_trunk(self._inbound, request)

    def create_sip_outbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Store a trunk for calls that go out."""
        return self._add_trunk(self._outbound, request)

    def update_sip_inbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Replace or change a trunk."""
        return self._update_trunk(self._inbound, request)

    def update_sip_outbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Replace or change a trunk."""
        return self._update_trunk(self._outbound, request)

    def get_sip_inbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Return a trunk."""
        trunk = self._trunk(self._inbound, request)
        return self._state.messages.GetSIPInboundTrunkResponse(trunk=trunk)

    def get_sip_outbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Return a trunk."""
        trunk = self._trunk(self._outbound, request)
        return self._state.messages.GetSIPOutboundTrunkResponse(trunk=trunk)

    def list_sip_inbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Return trunks for calls that come in."""
        return self._state.messages.ListSIPInboundTrunkResponse(items=self._select(self._inbound, request))

    def list_sip_outbound_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Return trunks for calls that go out."""
        return self._state.messages.ListSIPOutboundTrunkResponse(items=self._select(self._outbound, request))

    def list_sip_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Return all trunks in the form that is deprecated."""
        self._state.need_redis("sip")
        messages = self._state.messages
        trunks = sorted([*self._inbound.all(), *self._outbound.all()], key=lambda trunk: str(trunk.sip_trunk_id))
        return messages.ListSIPTrunkResponse(items=[legacy_trunk(messages.SIPTrunkInfo, each) for each in trunks])

    def delete_sip_trunk(self, request: Any, context: RequestContext, /) -> Any:
        """Remove a trunk; one that does not exist is not an error."""
        self._state.need_redis("sip")
        if not request.sip_trunk_id:
            raise InvalidArgumentError("trunk ID is required")
        for records in (self._inbound, self._outbound):
            records.remove(request.sip_trunk_id)
        return self._state.messages.SIPTrunkInfo(sip_trunk_id=request.sip_trunk_id)

    # --- rules

    def create_sip_dispatch_rule(self, request: Any, context: RequestContext, /) -> Any:
        """Store a rule; the request has it in one message, or in fields that are deprecated."""
        self._state.need_redis("sip")
        if request.HasField("dispatch_rule"):
            rule = type(request.dispatch_rule)()
            rule.CopyFrom(request.dispatch_rule)
            rule.media.SetInParent()
        else:
            given = {field.name: value for field, value in request.ListFields() if field.name in _RULE_FIELDS}
            rule = self._state.messages.SIPDispatchRuleInfo(**given)
        return self._rules.add(rule, "rule")

    def update_sip_dispatch_rule(self, request: Any, context: RequestContext, /) -> Any:
        """Replace or change a rule."""
        self._state.need_redis("sip")
        return self._rules.update(request.sip_dispatch_rule_id, request, "rule")

    def list_sip_dispatch_rule(self, request: Any, context: RequestContext, /) -> Any:
        """Return rules; one without trunks is for every trunk."""
        self._state.need_redis("sip")
        trunks = set(request.trunk_ids)
        items = self._rules.select(
            request.dispatch_rule_ids,
            request.page,
            lambda rule: not trunks or not rule.trunk_ids or bool(trunks & set(rule.trunk_ids)),
        )
        return self._state.messages.ListSIPDispatchRuleResponse(items=items)

    def delete_sip_dispatch_rule(self, request: Any, context: RequestContext, /) -> Any:
        """Remove a rule, and return it."""
        self._state.need_redis("sip")
        if not request.sip_dispatch_rule_id:
            raise InvalidArgumentError("dispatch rule ID is required")
        self._rules.find(request.sip_dispatch_rule_id)
        return self._rules.remove(request.sip_dispatch_rule_id)

    # --- calls

    def create_sip_participant(self, request: Any, context: RequestContext, /) -> Any:
        """Call a number; what comes of it is what `script` says, or it is answered."""
        self._state.need_redis("sip")
        self._check_call(request)
        self._state.need_worker(WORKER_SEARCH)
        status = self._outcomes.get(request.sip_call_to, 200)
        if request.wait_until_answered and status >= 300:
            raise self._refused(status)
        call_id = self._state.new_id("SCL")
        identity = request.participant_identity or f"sip_{request.sip_call_to}"
        participant = self._rooms.join(
            request.room_name,
            None,
            {
                "identity": identity,
                "name": request.participant_name,
                "metadata": request.participant_metadata,
                "kind": "SIP",
                "attributes": {
                    **request.participant_attributes,
                    "sip.callID": call_id,
                    "sip.callStatus": "active" if request.wait_until_answered else "dialing",
                    **({} if request.hide_phone_number else {"sip.phoneNumber": request.sip_call_to}),
                },
            },
        )
        if not request.wait_until_answered:
            self._state.clock.after(RINGING, lambda: self._settle(participant, status))
        return self._state.messages.SIPParticipantInfo(
            participant_id=participant.sid,
            participant_identity=identity,
            room_name=request.room_name,
            sip_call_id=call_id,
        )

    def check_transfer_sip_participant(self, request: Any) -> None:
        """Refuse a request that does not say whom it is about."""
        if not request.room_name:
            raise InvalidArgumentError(f"{WRAPPED}Missing room name")
        if not request.participant_identity:
            raise InvalidArgumentError(f"{WRAPPED}Missing participant identity")

    def transfer_sip_participant(self, request: Any, context: RequestContext, /) -> Any:
        """Transfer a call: the participant leaves."""
        if not request.transfer_to:
            raise InvalidArgumentError("missing transfer to")
        if _TARGET.fullmatch(request.transfer_to) is None:
            raise InvalidArgumentError("transfer_to must be a valid SIP(s) or TEL URI (sip:, sips: or tel:)")
        participant = self._rooms.participant(request.room_name, request.participant_identity)
        if participant is None:
            raise NotFoundError(f"{WRAPPED}participant does not exist")
        if "sip.callID" not in participant.info.attributes:
            raise InvalidArgumentError(f"{WRAPPED}no SIP session associated with participant")
        self._state.need_worker(WORKER_SEARCH)
        status = self._outcomes.get(request.transfer_to, 200)
        if status >= 300:
            raise self._refused(status, phrase=False)
        participant.disconnect("CLIENT_INITIATED")
        return context.method.response()

    def _check_call(self, request: Any) -> None:
        country = request.destination.country
        if country and not re.fullmatch("[A-Z]{2}", country):
            text = "country must be a valid ISO 3166-1 alpha-2 code (2-letter like 'US', 'IN', 'UK')"
            raise InvalidArgumentError(text)
        if len(request.display_name) > 128:
            raise InvalidArgumentError("DisplayName too long (max 128 characters)")
        if not request.sip_trunk_id and not (request.HasField("trunk") and request.sip_number):
            raise InvalidArgumentError("missing sip trunk id and sip number")
        if not request.sip_call_to:
            raise InvalidArgumentError("missing sip callee number")
        if request.sip_call_to.startswith(("sip:", "sips:")):
            raise InvalidArgumentError("SipCallTo should be a phone number or SIP user, not a full SIP URI")
        if not request.room_name:
            raise InvalidArgumentError("missing room name")
        if request.sip_trunk_id:
            self._outbound.find(request.sip_trunk_id)

    def _settle(self, participant: Any, status: int) -> None:
        """Let a call that nobody waits for be answered, or end."""
        if not participant.connected:
            return
        if status >= 300:
            participant.disconnect("USER_REJECTED" if status in (486, 600, 603) else "USER_UNAVAILABLE")
            return
        participant.set_attributes({"sip.callStatus": "active"})
        participant.changed()

    def _refused(self, status: int, *, phrase: bool = True) -> TwirpError:
        """Return the error of a call that ended with a SIP status."""
        messages = self._state.messages
        known = messages.SIPStatusCode.Name(status)
        said = _PHRASES.get(status, "") if phrase else ""
        text = f"sip status {status}: {said or known.removeprefix('SIP_STATUS_')}"
        code, number = _CODE_OF.get(status, _OTHER)
        detail = messages.SIPStatus(code=status, status=said)
        meta = {
            ERROR_DETAILS: encode_status(number, text, [detail]),
            "sip_status": said or known,
            "sip_status_code": str(status),
        }
        return error_class(code)(code, f"{WRAPPED}{text}", meta=meta)

    def _add_trunk(self, records: SipRecords, request: Any) -> Any:
        self._state.need_redis("sip")
        if not request.HasField("trunk"):
            raise InvalidArgumentError("missing trunk")
        return records.add(request.trunk, "trunk")

    def _update_trunk(self, records: SipRecords, request: Any) -> Any:
        self._state.need_redis("sip")
        if not request.sip_trunk_id:
            raise InvalidArgumentError("trunk id must be set")
        return records.update(request.sip_trunk_id, request, "trunk")

    def _trunk(self, records: SipRecords, request: Any) -> Any:
        self._state.need_redis("sip")
        if not request.sip_trunk_id:
            raise InvalidArgumentError("trunk ID is required")
        return records.find(request.sip_trunk_id)

    def _select(self, records: SipRecords, request: Any) -> list[Any]:
        self._state.need_redis("sip")
        numbers = set(request.numbers)
        return records.select(
            request.trunk_ids, request.page, lambda trunk: not numbers or bool(numbers & set(trunk.numbers))
        )
