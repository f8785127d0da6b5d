"""What the live tests make on a server that may be somebody else's: names of ours, and nothing of them left."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from livekit_twirp import InternalError, LiveKitAPI, NotFoundError

__all__ = ["NameRegistry"]

PREFIX: Final = "twirpkit-"
LONGEST: Final = 16
"""Bytes of a name: what the smallest of the recorded servers allows."""
WITHOUT_REDIS: Final = "redis required"
"""What the text of an error says where a server without Redis lacks a whole service."""


class NameRegistry:
    """The names made in one run, and the removal of whatever carries one.

    Args:
        api: A client that may do everything.
    """

    def __init__(self, api: LiveKitAPI) -> None:
        self._api = api
        self._names: set[str] = set()

    def name(self) -> str:
        """A new name, for a room or anything else that has one."""
        name = PREFIX + secrets.token_hex(LONGEST)[: LONGEST - len(PREFIX)]
        self._names.add(name)
        return name

    def remove(self) -> list[str]:
        """Remove all that carries one of the names, and say what is there nevertheless."""
        for _, delete in self._found():
            with contextlib.suppress(NotFoundError):  # it may have gone by itself
                delete()
        return [what for what, _ in self._found()]

    def _found(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """What is there, and how to remove it. Everybody's things are listed; only ours come out."""
        api = self._api
        for egress in _listed(partial(api.egress.list_egress, active=True)):
            if egress.room_name in self._names:
                yield f"egress {egress.egress_id}", partial(api.egress.stop_egress, egress_id=egress.egress_id)
        for ingress in _listed(api.ingress.list_ingress):
            if ingress.name in self._names:
                yield f"ingress {ingress.name}", partial(api.ingress.delete_ingress, ingress_id=ingress.ingress_id)
        for rule in _listed(api.sip.list_sip_dispatch_rule):
            if rule.name in self._names:
                gone = partial(api.sip.delete_sip_dispatch_rule, sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
                yield f"dispatch rule {rule.name}", gone
        for list_trunks in (api.sip.list_sip_inbound_trunk, api.sip.list_sip_outbound_trunk):
            for trunk in _listed(list_trunks):
                if trunk.name in self._names:
                    yield f"trunk {trunk.name}", partial(api.sip.delete_sip_trunk, sip_trunk_id=trunk.sip_trunk_id)
        for room in api.room.list_rooms(names=sorted(self._names)).rooms if self._names else ():
            yield f"room {room.name}", partial(api.room.delete_room, room=room.name)


def _listed(call: Callable[[], Any]) -> list[Any]:
    """The items of an answer; none where the server has no Redis and so not the service."""
    try:
        return list(call().items)
    except InternalError as error:
        if WITHOUT_REDIS not in error.message:
            raise
        return []
