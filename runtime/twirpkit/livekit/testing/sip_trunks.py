"""Trunks and dispatch rules of a fake server: records by id, checked as livekit-server checks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from twirpkit._protocol.constants import CONTENT_LENGTH
from twirpkit.errors import InvalidArgumentError, NotFoundError
from twirpkit.livekit.testing.fake_state import FakeState, copied

__all__ = ["SipRecords", "check_inbound", "check_outbound", "check_rule", "legacy_trunk"]

_FORBIDDEN_HEADERS: Final = frozenset(
    ("via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "route", "record-route", CONTENT_LENGTH.lower())
)
_HEADER_CHARACTER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]")


class SipRecords:
    """Records of one kind.

    Args:
        state: The shared state.
        prefix: The prefix of ids.
        id_field: The field that has the id.
        noun: The word for one in errors.
        check: Raises an error for a record that cannot be, given all others.
    """

    def __init__(
        self, state: FakeState, prefix: str, id_field: str, noun: str, check: Callable[[Any, list[Any]], None]
    ) -> None:
        self._state = state
        self._prefix = prefix
        self._id_field = id_field
        self._noun = noun
        self._check = check
        self._records: dict[str, Any] = {}

    def add(self, record: Any, what: str) -> Any:
        """Store a copy of a record under a new id."""
        if getattr(record, self._id_field):
            raise InvalidArgumentError(f"{what} id must not be set")
        new = copied(record)
        self._check(new, list(self._records.values()))
        setattr(new, self._id_field, self._state.new_id(self._prefix))
        self._records[getattr(new, self._id_field)] = new
        return new

    def update(self, record_id: str, request: Any, what: str) -> Any:
        """Replace or change a record, as the request says."""
        action = request.WhichOneof("action")
        if action == "replace":
            inner = getattr(request.replace, self._id_field)
            if inner and inner != record_id:
                raise InvalidArgumentError(f"{what} id in the info must be empty or match the id in the update")
        if action is None:
            raise InvalidArgumentError("missing or unsupported update action")
        old = self.find(record_id)
        if action == "replace":
            new = copied(request.replace)
            setattr(new, self._id_field, record_id)
        else:
            new = copied(old)
            _apply(request.update, new)
        self._check(new, [each for each in self._records.values() if each is not old])
        old.CopyFrom(new)
        return old

    def find(self, record_id: str) -> Any:
        """Return a record. Raises `NotFoundError`."""
        found = self._records.get(record_id)
        if found is None:
            raise NotFoundError(f"requested sip {self._noun} does not exist")
        return found

    def remove(self, record_id: str) -> Any:
        """Remove and return a record; None if there is none."""
        return self._records.pop(record_id, None)

    def select(self, ids: Iterable[str], page: Any, keep: Callable[[Any], bool]) -> list[Any]:
        """Return records in the order of their ids: all or those with an id in `ids`, after the page's id."""
        wanted = set(ids)
        return [
            record
            for record_id, record in sorted(self._records.items())
            if (not wanted or record_id in wanted) and record_id > page.after_id and keep(record)
        ]

    def all(self) -> list[Any]:
        """Return all records in the order of their ids."""
        return [record for _, record in sorted(self._records.items())]


def check_inbound(trunk: Any, others: list[Any]) -> None:
    """Refuse an inbound trunk that is open to everybody, or that takes calls of another one."""
    _check_headers(trunk.headers)
    if not (trunk.numbers or trunk.allowed_addresses or (trunk.auth_username and trunk.auth_password)):
        text = "for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers"
        raise InvalidArgumentError(text)
    for other in others:
        shared = [number for number in trunk.numbers if number in other.numbers]
        if shared and not trunk.allowed_numbers and not other.allowed_numbers:
            numbers = " ".join(f'"{number}"' for number in shared)
            name = trunk.sip_trunk_id or "<new>"
            raise InvalidArgumentError(
                f'Conflicting inbound SIP Trunks: "{name}" and "{other.sip_trunk_id}", '
                f"using the same number(s) [{numbers}] without AllowedNumbers set"
            )


def check_outbound(trunk: Any, others: list[Any]) -> None:
    """Refuse an outbound trunk without an address or numbers, or with an address that is more than a host."""
    if not trunk.numbers:
        raise InvalidArgumentError("no trunk numbers specified")
    if not trunk.address:
        raise InvalidArgumentError("no outbound address specified")
    if "transport=" in trunk.address:
        raise InvalidArgumentError("trunk address should not contain transport parameter")
    if trunk.address.startswith(("sip:", "sips:")) or "@" in trunk.address:
        raise InvalidArgumentError("trunk address should be a hostname or IP, not SIP URI")
    _check_headers(trunk.headers)
    if any("/" in codec.name for codec in trunk.media.codecs):
        raise InvalidArgumentError("codec name must not contain '/'")


def check_rule(rule: Any, others: list[Any]) -> None:
    """Refuse a dispatch rule without a rule, or one for the same calls as another."""
    if rule.rule.WhichOneof("rule") is None:
        raise InvalidArgumentError("missing rule")
    for other in others:
        if _pin(rule) == _pin(other) and all(
            _overlap(getattr(rule, name), getattr(other, name)) for name in ("trunk_ids", "inbound_numbers", "numbers")
        ):
            name = rule.sip_dispatch_rule_id or "<new>"
            raise InvalidArgumentError(
                "Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in "
                f'dispatch rule "{name}" "{rule.name}"'
            )


def legacy_trunk(cls: Any, trunk: Any) -> Any:
    """Return a trunk as the deprecated list has it."""
    common = {"sip_trunk_id": trunk.sip_trunk_id, "name": trunk.name, "metadata": trunk.metadata}
    number = trunk.numbers[0] if trunk.numbers else ""
    if hasattr(trunk, "address"):
        return cls(
            kind="TRUNK_OUTBOUND",
            outbound_address=trunk.address,
            outbound_number=number,
            transport=trunk.transport,
            outbound_username=trunk.auth_username,
            outbound_password=trunk.auth_password,
            **common,
        )
    return cls(
        kind="TRUNK_INBOUND",
        inbound_addresses=trunk.allowed_addresses,
        outbound_number=number,
        inbound_numbers=trunk.allowed_numbers,
        inbound_username=trunk.auth_username,
        inbound_password=trunk.auth_password,
        **common,
    )


def _check_headers(headers: Iterable[str]) -> None:
    for name in headers:
        if name.lower() in _FORBIDDEN_HEADERS:
            raise InvalidArgumentError(f"invalid header name: header name {name} not supported")
        for character in name:
            if not _HEADER_CHARACTER.match(character):
                text = f"header name {name} contains invalid characters: char {ord(character)} not allowed"
                raise InvalidArgumentError(f"invalid header name: {text}")


def _pin(rule: Any) -> str:
    kind = rule.rule.WhichOneof("rule")
    return "" if kind is None else str(getattr(rule.rule, kind).pin)


def _overlap(one: Iterable[str], other: Iterable[str]) -> bool:
    mine, theirs = set(one), set(other)
    return bool(mine & theirs) or mine == theirs


def _apply(update: Any, target: Any) -> None:
    """Set the fields of an update in a record."""
    for field, value in update.ListFields():
        name = field.name
        if field.message_type is None:
            setattr(target, name, value)
        elif field.message_type.GetOptions().map_entry:
            getattr(target, name).update(value)
        elif field.message_type.full_name == "livekit.ListUpdate":
            _apply_list(value, getattr(target, name))
        else:
            getattr(target, name).CopyFrom(value)
    target.media.SetInParent()
    if target.media.encryption:
        target.media_encryption = target.media.encryption


def _apply_list(update: Any, target: Any) -> None:
    if update.set and (update.add or update.remove):
        raise InvalidArgumentError("cannot set and change the list at the same time")
    kept = [] if update.clear else list(update.set) if update.set else list(target)
    kept = [each for each in kept if each not in update.remove]
    kept += [each for each in update.add if each not in kept]
    target[:] = kept
