"""Refusals: constructors that refuse their arguments show no secret in texts, pickles, logs, warnings or locals."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from canaries import everything_logged, shown
from figures import Row, main

import livekit_twirp
from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, WebhookReceiver
from twirpkit.livekit import AccessToken, ServerTokens, TokenVerifier, sign_webhook
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.sync_sockets import SocketTransport

URL = "https://livekit.example.com"
KEY = "canary-key-0123456789abcdef"
SECRET = "canary-secret-0123456789abcdefghijklmnopqrstuv"
PROXY = f"http://user:{SECRET}@127.0.0.1:1"

Arguments = Mapping[str, Any]
PAIR = {"api_key": KEY, "api_secret": SECRET}

ILL: dict[str, str] = {
    "a line end": f"{SECRET}\n",
    "white space before": f" {SECRET}",
    "a NUL": f"{SECRET[:9]}\0{SECRET[9:]}",
    "double quotes": f'"{SECRET}"',
    "single quotes": f"'{SECRET}'",
    "outside latin-1": f"{SECRET}\u2026",
    "a URL": f"https://{SECRET}.example.com",
}
"""Values that no credential may have."""

OF_KEYS: dict[str, Arguments] = {
    "no secret": {"api_key": KEY},
    "no key": {"api_secret": SECRET},
    "swapped": {"api_key": SECRET, "api_secret": "APIcanary123456"},
    "bytes": {"api_key": KEY, "api_secret": SECRET.encode()},
    "an argument that is unknown": {**PAIR, "secret": SECRET},
    **{f"a secret with {name}": {"api_key": KEY, "api_secret": text} for name, text in ILL.items()},
    **{
        f"a key with {name}": {"api_key": text.replace(SECRET, KEY), "api_secret": SECRET} for name, text in ILL.items()
    },
}
"""For everything that takes a key and a secret."""

OF_CLIENTS: dict[str, Arguments] = {
    **OF_KEYS,
    **{f"a token with {name}": {"token": text} for name, text in ILL.items()},
    **{f"auth with {name}": {"auth": f"Bearer {text}"} for name, text in ILL.items()},
    **{f"a header with {name}": {**PAIR, "extra_headers": {"X-A": text}} for name, text in ILL.items()},
    "two ways": {**PAIR, "token": SECRET},
    "an option that is unknown": {"secret": SECRET},
    "a token and auth": {"token": SECRET, "auth": SECRET},
    "a header that the client owns": {**PAIR, "extra_headers": {"Authorization": SECRET}},
    "a header name of a wrong type": {**PAIR, "extra_headers": {1: SECRET}},
    "a header value of a wrong type": {**PAIR, "extra_headers": {"X-A": SECRET.encode()}},
    "headers that are no mapping": {**PAIR, "extra_headers": [("X-A", SECRET)]},
    "headers that are a set": {**PAIR, "extra_headers": {SECRET}},
    "headers that are a text": {**PAIR, "extra_headers": SECRET},
    "a URL with a password": {**PAIR, "url": f"https://user:{SECRET}@livekit.example.com"},
    "a URL with a query": {**PAIR, "url": f"https://livekit.example.com?access_token={SECRET}"},
    "arguments in the wrong order": {"url": KEY, "api_key": SECRET, "api_secret": URL},
    "a timeout": {**PAIR, "timeout": -1},
    "a policy": {**PAIR, "retry": 2},
    "a hook": {**PAIR, "hooks": ["no function"]},
    "regions": {**PAIR, "regions": "none"},
}
"""For clients, and for services that are made alone."""

OF_TRANSPORTS: dict[str, Arguments] = {
    "a CA file that is not there": {"tls": "/no/such/ca.pem", "proxy": PROXY},
    "a tls of a wrong type": {"tls": 1, "proxy": PROXY},
    "a proxy without a host": {"proxy": f"http://user:{SECRET}@"},
    "a proxy with a bad port": {"proxy": f"http://user:{SECRET}@127.0.0.1:port"},
    "a proxy of another scheme": {"proxy": PROXY.replace("http:", "socks5:")},
    "a proxy with a line end": {"proxy": f"{PROXY}\n"},
    "a proxy without a scheme": {"proxy": PROXY.removeprefix("http://")},
    "a proxy of a wrong type": {"proxy": PROXY.encode()},
}
"""For clients and transports."""

OF_OPTIONS: dict[str, Arguments] = {
    name: {key: value for key, value in arguments.items() if key not in PAIR}
    for name, arguments in OF_CLIENTS.items()
    if not {"url", "regions", *PAIR} & ({*arguments} if name in OF_KEYS else {*arguments} - {*PAIR})
    and name != "two ways"
}
"""For `with_options`."""

SESSIONS: dict[str, Arguments] = {
    "a session of another kind": {**PAIR, "session": object()},
    "a library that is unknown": {**PAIR, "transport": "urllib4", "proxy": PROXY},
    "a session and a transport": {**PAIR, "session": object(), "transport": object()},
    "a transport and a proxy": {**PAIR, "transport": object(), "proxy": PROXY},
}


def of_a_client(arguments: Arguments) -> Arguments:
    """Add what a client needs to be refused for nothing else."""
    return (
        {"url": URL, **arguments}
        if set(arguments) & {"api_key", "api_secret", "token", "auth"}
        else {"url": URL, **PAIR, **arguments}
    )


def optioned(cls: Any) -> Callable[..., Any]:
    """Return `with_options` of a client that has no secret."""
    return cls(URL, auth="Bearer none").with_options  # type: ignore[no-any-return]


def constructors() -> Iterator[tuple[str, Callable[..., Any], dict[str, Arguments]]]:
    """The name of everything that takes secrets, the function, and the arguments that it refuses."""
    whole = {name: of_a_client(each) for name, each in {**OF_CLIENTS, **OF_TRANSPORTS, **SESSIONS}.items()}
    yield "LiveKitAPI", LiveKitAPI, whole
    yield "AsyncLiveKitAPI", AsyncLiveKitAPI, whole
    alone = {name: of_a_client(each) for name, each in {**OF_CLIENTS, **SESSIONS}.items() if "regions" not in each}
    for name in ("RoomService", "SIP", "CloudAgent"):
        for cls in (getattr(livekit_twirp, name), getattr(livekit_twirp, f"Async{name}")):
            yield cls.__name__, cls, {key: {"session": object(), **each} for key, each in alone.items()}
    yield "LiveKitAPI.with_options", optioned(LiveKitAPI), OF_OPTIONS
    yield "AsyncLiveKitAPI.with_options", optioned(AsyncLiveKitAPI), OF_OPTIONS
    yield "SocketTransport", SocketTransport, OF_TRANSPORTS
    yield "AsyncSocketTransport", AsyncSocketTransport, OF_TRANSPORTS
    for library in ("requests", "httpx"):
        yield f"LiveKitAPI over {library}", LiveKitAPI, over(library)
    for library in ("aiohttp", "httpx"):
        yield f"AsyncLiveKitAPI over {library}", AsyncLiveKitAPI, over(library)
    yield (
        "AccessToken",
        AccessToken,
        {
            **OF_KEYS,
            "a ttl": {**PAIR, "ttl": timedelta(0)},
            "a join without a room": {**PAIR, "video": {"room_join": True}},
            "a room_config": {**PAIR, "room_config": {"agents": "scribe"}},
            "an identity": {**PAIR, "identity": 1},
        },
    )
    of_verifiers = {
        **OF_KEYS,
        "keys, too": {**PAIR, "keys": {KEY: SECRET}},
        "keys that are no mapping": {"keys": [SECRET]},
        "a leeway": {**PAIR, "leeway": 60},
        **{f"keys with {name}": {"keys": {KEY: text}} for name, text in ILL.items()},
    }
    yield "TokenVerifier", TokenVerifier, of_verifiers
    yield "WebhookReceiver", WebhookReceiver, {**of_verifiers, "max_bytes": {**PAIR, "max_bytes": 0}}
    yield "ServerTokens", ServerTokens, {"swapped": OF_KEYS["swapped"]}
    event = livekit_twirp.WebhookEvent(event="room_started")
    yield "sign_webhook", sign_webhook, {name: {"event": event, **each} for name, each in OF_KEYS.items()}
    body = b'{"room_name": "standup"}'
    of_endpoints = {name: {"url": "wss://h", **each} for name, each in OF_KEYS.items()}
    yield (
        "token_response",
        functools.partial(livekit_twirp.token_response, body, identity="ann", grants=livekit_twirp.VideoGrants()),
        {
            **of_endpoints,
            "a URL with a password": {**PAIR, "url": f"wss://user:{SECRET}@h"},
            "a ttl": {**PAIR, "url": "wss://h", "ttl": 3},
        },
    )
    yield "sign_webhook of no event", sign_webhook, {"an event": {"event": "room_started", **PAIR}}


def over(library: str) -> dict[str, Arguments]:
    """The arguments that a session of a library is refused for."""
    return {name: {"url": URL, **PAIR, "transport": library, **each} for name, each in OF_TRANSPORTS.items()}


def run(scale: float) -> Iterator[Row]:
    """The rows. The table is the same at every scale."""
    for name, make, table in constructors():
        found: list[str] = []
        taken: list[str] = []
        looked = 0
        with everything_logged() as log, warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            for way, arguments in table.items():
                try:
                    made = make(**arguments)
                except Exception as refused:  # which it is is not the matter here
                    for where, text in texts(refused):
                        looked += 1
                        found += [f"{way}: {where}"] if SECRET[:20] in text else []
                else:
                    taken.append(way)
                    for where, text in shown_of(made):
                        looked += 1
                        found += [f"{way}: {where}"] if SECRET[:20] in text else []
        found += [f"warning {each.message}" for each in warned if SECRET[:20] in str(each.message)]
        found += ["the log"] if SECRET[:20] in log.getvalue() else []
        for line in found[:20]:
            print(f"     {name}: {line}")
        what = f"{name}, {len(table) - len(taken)} refusals, {looked} texts"
        yield Row(what, "0 canaries", str(len(found)), not found)
        if taken:
            print(f"     {name} takes: {', '.join(taken)}")


def texts(refused: Exception) -> Iterator[tuple[str, str]]:
    """What can be seen of a refusal."""
    try:
        yield from shown(refused)
    except TypeError as error:  # of an error that cannot be pickled
        yield "the error of its pickle", str(error)


def shown_of(made: object) -> Iterator[tuple[str, str]]:
    """What can be seen of an object that was made."""
    for each in (made, *vars(made).values()) if hasattr(made, "__dict__") else (made,):
        yield f"repr of {type(each).__name__}", repr(each)


if __name__ == "__main__":
    main(run)
