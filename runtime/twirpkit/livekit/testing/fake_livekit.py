"""`FakeLiveKit`: a LiveKit server for tests, in this process or on a loopback port."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, overload

from google.protobuf.message import Message

from twirpkit._config.package_info import PackageInfo
from twirpkit._secret import Secret
from twirpkit._suggestion import Suggesting
from twirpkit.errors import TwirpError
from twirpkit.livekit.testing.dispatch_handler import DispatchHandler
from twirpkit.livekit.testing.egress_handler import EgressHandler
from twirpkit.livekit.testing.fake_application import Call, FakeApplication
from twirpkit.livekit.testing.fake_participant import FakeParticipant
from twirpkit.livekit.testing.fake_rooms import FakeRooms, JoinRefusedError
from twirpkit.livekit.testing.fake_settings import FakeSettings
from twirpkit.livekit.testing.fake_state import FakeState
from twirpkit.livekit.testing.fake_tokens import FakeTokens
from twirpkit.livekit.testing.fake_transports import AsyncFakeTransport, FakeTransport
from twirpkit.livekit.testing.ingress_handler import IngressHandler
from twirpkit.livekit.testing.loopback_server import FakeServer
from twirpkit.livekit.testing.room_handler import RoomHandler
from twirpkit.livekit.testing.scripted_faults import NetworkFault
from twirpkit.livekit.testing.sip_handler import DialOutcome, SipHandler
from twirpkit.livekit.testing.token_participants import participant_of_token
from twirpkit.livekit.testing.webhook_delivery import WebhookDelivery
from twirpkit.livekit.webhook_signature import sign_webhook
from twirpkit.testing.listener import HOST

__all__ = ["FakeLiveKit"]

Api = TypeVar("Api")
AsyncApi = TypeVar("AsyncApi")
Event = TypeVar("Event")
M = TypeVar("M", bound=Message)

API_KEY: Final = "devkey"
API_SECRET: Final = "secret-of-a-fake-livekit-for-tests-only"  # noqa: S105  # it opens nothing
URL: Final = "http://localhost:7880"
"""The URL of clients in this process: no request goes there."""


class FakeLiveKit(Suggesting, Generic[Api, AsyncApi, Event]):
    """A LiveKit server for tests. Nothing in it is random, and its clock stands still until `advance` or `run_clock`.

    Rooms, participants, tracks, metadata, data, RPC methods, egress, ingress, telephony and dispatches are kept in
    memory. Errors have the codes and texts of livekit-server, tokens and grants are checked, and webhooks are signed.
    There is no media. It is safe in threads.

    Args:
        api_key: The key that clients sign with.
        api_secret: The key's secret.
        webhook: Where webhooks go: a URL, or a function of body and Authorization header, such as
            ``receiver.receive``; see `on_webhook`. They are in `events` in any case.
        settings: Limits and options of the server.
        start: The first time of the clock: an aware datetime. Default: now.

    Raises:
        ValueError: `start` has no time zone, or `webhook` is not an http URL.
    """

    package: ClassVar[PackageInfo]
    """The facts of the generated package."""

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        api_secret: str = API_SECRET,
        webhook: str | Callable[[bytes, str], object] | None = None,
        settings: FakeSettings | None = None,
        start: datetime | None = None,
    ) -> None:
        self.api_key = api_key
        """The key that clients sign with."""
        self._api_secret = Secret(api_secret)
        self._state = FakeState(self.package, settings or FakeSettings(), start or datetime.now(UTC))
        self._deliveries: list[WebhookDelivery] = []
        if webhook is not None:
            self.on_webhook(webhook)
        self._rooms = FakeRooms(self._state)
        self._egress = EgressHandler(self._state, self._rooms)
        self._ingress = IngressHandler(self._state, self._rooms)
        self._sip = SipHandler(self._state, self._rooms)
        handlers: dict[str, object] = {
            "livekit.RoomService": RoomHandler(self._state, self._rooms),
            "livekit.AgentDispatchService": DispatchHandler(self._state, self._rooms),
            "livekit.Egress": self._egress,
            "livekit.Ingress": self._ingress,
            "livekit.SIP": self._sip,
        }
        self._application = FakeApplication(self._state, handlers, FakeTokens(api_key, self._api_secret))

    @property
    def api_secret(self) -> str:
        """The secret of the key."""
        return self._api_secret.reveal()

    # --- clients

    def api(self, **options: Any) -> Api:
        """Return a sync client of this server; options are those of its class.

        By default it warns of nothing and signs with the server's key.
        """
        return self._client("", FakeTransport(self._application), options)  # type: ignore[no-any-return]  # the package's

    def async_api(self, **options: Any) -> AsyncApi:
        """Return an async client of this server, as `api`."""
        return self._client("Async", AsyncFakeTransport(self._application), options)  # type: ignore[no-any-return]  # likewise

    def _client(self, prefix: str, transport: object, options: Mapping[str, Any]) -> Any:
        facade = getattr(importlib.import_module(self.package.name), f"{prefix}{self.package.facade}")
        given = {"url": URL, "transport": transport, **options}
        if not given.keys() & {"token", "auth", "api_key", "api_secret"}:
            given |= {"api_key": self.api_key, "api_secret": self.api_secret}
        return facade(**given)

    def serve(self, port: int = 0, *, host: str = HOST) -> FakeServer:
        """Return this server on a port of this machine, for one ``with`` block.

        Args:
            port: The port; 0 for a free one.
            host: The address to listen on. Default: loopback.
        """
        return FakeServer(self._application, self.api_key, self.api_secret, port, host)

    @property
    def application(self) -> FakeApplication:
        """The server as an ASGI and WSGI application."""
        return self._application

    # --- what a test sees

    @property
    def calls(self) -> list[Call]:
        """Calls that reached the server with a token that allows them, in their order."""
        return list(self._application.calls)

    def requests(self, message: type[M]) -> list[M]:
        """Return the requests of one type, in their order: ``fake.requests(SendDataRequest)``."""
        return [call.request for call in self._application.calls if isinstance(call.request, message)]

    @property
    def events(self) -> list[Event]:
        """Webhook events, in their order."""
        with self._state.changing():  # a clock that runs may bring some
            return list(self._state.events)

    @property
    def now(self) -> datetime:
        """The time of the server's clock."""
        return self._application.now()

    def participant(self, room: str, identity: str) -> FakeParticipant | None:
        """Return a participant who is in a room, also one that a call made; None if there is none."""
        return self._rooms.participant(room, identity)

    # --- what a test does

    @overload
    def join(
        self,
        room: str,
        identity: str,
        *,
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        kind: str = "standard",
    ) -> FakeParticipant: ...
    @overload
    def join(self, *, token: str) -> FakeParticipant: ...
    def join(
        self,
        room: str | None = None,
        identity: str | None = None,
        *,
        token: str | None = None,
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        kind: str = "standard",
    ) -> FakeParticipant:
        """Let a participant join a room, which is made if it does not exist.

        Args:
            room: The name of the room.
            identity: The participant's identity. Whoever has it in this room already goes out.
            token: An access token, in place of all else: it is checked by the server's clock.
            name: The display name.
            metadata: The participant's metadata.
            attributes: The participant's attributes.
            kind: As in `AccessToken`: ``standard``, ``agent``, ``sip`` and so on.

        Raises:
            TokenError: The token is not valid, has expired, or does not allow to join.
            JoinRefusedError: The room is full, or room or identity are missing.
        """
        with self._state.changing():
            if token is not None:
                config, room, fields = participant_of_token(self._state, {self.api_key: self.api_secret}, token)
                return self._rooms.join(room, config, fields)
            if not room or not identity:
                raise JoinRefusedError("give room and identity, or token=…")
            fields = {"identity": identity, "name": name, "metadata": metadata, "attributes": dict(attributes or {})}
            fields |= {"kind": kind.upper(), "permission": self._state.default_permission()}
            return self._rooms.join(room, None, fields)

    def advance(self, seconds: float) -> None:
        """Let time pass on the server's clock: rooms close, recordings go on, calls are answered.

        Raises:
            ValueError: The number is negative.
        """
        with self._state.changing():
            self._state.clock.advance(seconds)

    def run_clock(self, speed: float = 1.0) -> None:
        """Let the clock run from now on, for code that waits. `advance` works all the same.

        The clock catches up when a call comes, when a test does something, and when it reads `events` or `now`.

        Args:
            speed: Seconds on the server's clock for each second of this machine; 0 stops it.

        Raises:
            ValueError: The number is negative, or not finite.
        """
        with self._state.changing():
            self._state.clock.run(speed)

    def fail(self, rpc: str, error: TwirpError, *, times: int | None = 1) -> None:
        """Let the next calls of an RPC fail with an error, in place of being executed.

        Args:
            rpc: ``"DeleteRoom"``, or ``"livekit.RoomService/DeleteRoom"``.
            error: The error: ``NotFoundError("gone")``.
            times: How many calls; None: all. Attempts of one call count each.

        Raises:
            ValueError: There is no such RPC, or `times` is not positive.
            TypeError: `error` is not a `TwirpError`.
        """
        if not isinstance(error, TwirpError):
            raise TypeError(f"error must be a TwirpError, not {type(error).__name__}")
        self._application.faults.order(rpc, error, times)

    def delay(self, rpc: str, seconds: float, *, times: int | None = 1) -> None:
        """Let the next calls of an RPC be executed, and their responses come later: give the call a short timeout.

        Args:
            rpc: As for `fail`.
            seconds: How much later. A client in this process waits until its deadline at most.
            times: As for `fail`.

        Raises:
            ValueError: As for `fail`; or `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("seconds must not be negative")
        self._application.faults.order(rpc, NetworkFault(delay=seconds), times)

    def drop(self, rpc: str, *, executed: bool = False, times: int | None = 1) -> None:
        """Let the connection of the next calls of an RPC end without a response.

        Args:
            rpc: As for `fail`.
            executed: True if the calls are executed all the same.
            times: As for `fail`.

        Raises:
            ValueError: As for `fail`.
        """
        self._application.faults.order(rpc, NetworkFault(dropped=True, executed=executed), times)

    def dial(self, number: str, outcome: DialOutcome) -> None:
        """Say how calls to a number, and transfers to an address, end.

        Args:
            number: ``sip_call_to`` of a call, or ``transfer_to`` of a transfer.
            outcome: ``"answered"``, ``"busy"``, ``"declined"``, ``"no_answer"``, ``"unavailable"``, or a SIP status.

        Raises:
            ValueError: The outcome is unknown.
        """
        self._sip.script(number, outcome)

    def end_egress(self, egress_id: str, *, error: str = "") -> None:
        """End a recording now: complete, or failed with an error. Raises ValueError if there is none of that id."""
        with self._state.changing():
            self._egress.end(egress_id, error)

    def start_ingress(self, ingress_id: str) -> None:
        """Let the media of an ingress arrive: its participant joins. Raises ValueError if there is none of that id."""
        with self._state.changing():
            self._ingress.publish(ingress_id)

    def stop_ingress(self, ingress_id: str) -> None:
        """Let the media of an ingress end: its participant leaves. Raises ValueError if there is none of that id."""
        with self._state.changing():
            self._ingress.stop(ingress_id)

    def emit(self, event: Event) -> None:
        """Send a webhook of your own, for example one that a test of a handler needs."""
        with self._state.changing():
            self._state.add_event(event)

    def on_webhook(self, receiver: str | Callable[[bytes, str], object]) -> None:
        """Send webhooks from now on, signed, to one more receiver.

        Args:
            receiver: A URL, or a function of body and Authorization header. An exception of a function is that of the
                call, or of the step of a test, that the event comes from.

        Raises:
            ValueError: It is a text and not an http URL.
        """
        if isinstance(receiver, str):
            self._deliveries.append(receiver := WebhookDelivery(receiver))
        self._state.receivers.append(lambda event: receiver(*self._signed(event)))

    def wait_for_webhooks(self, timeout: float = 10.0) -> bool:
        """Wait until webhooks to URLs are delivered, or have failed; return False after so many seconds."""
        return all(each.wait(timeout) for each in self._deliveries)

    @property
    def webhook_failures(self) -> list[str]:
        """Reasons of webhooks to URLs that were not delivered."""
        return [reason for each in self._deliveries for reason in each.failures]

    def close(self) -> None:
        """End the delivery of webhooks. Twice is fine."""
        for each in self._deliveries:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _signed(self, event: Any) -> tuple[bytes, str]:
        """Return body and Authorization header, signed by this machine's clock, which receivers check them with."""
        return sign_webhook(event, self.api_key, self.api_secret)
