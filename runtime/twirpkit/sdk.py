"""What a generated package says of itself, and how its clients find their URL and credentials."""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twirpkit.call import Authorize, Default, Endpoint, check_timeout
from twirpkit.headers import Secret, check_headers, check_value
from twirpkit.url import normalize_url
from twirpkit.version import __version__

__all__ = ["Sdk", "ServiceFacts", "endpoint", "service_endpoint"]


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """Where the parts of one service are."""

    attribute: str
    """The facade's property, and the name of the service's modules."""
    class_name: str
    """The sync class; the async one has ``Async`` before it."""
    host: str | None = None
    """``module:function`` that makes the service's base URL from the facade's; None: it is the facade's."""


@dataclass(frozen=True, slots=True)
class Sdk:
    """The facts of one generated package; values of its manifest."""

    name: str
    """The import package."""
    facade: str
    """The sync facade; the async one has ``Async`` before it."""
    services: Mapping[str, ServiceFacts]
    """By full name, as the protos spell it."""
    prefix: str = "/twirp"
    """Path between the base URL and the service."""
    request_id_header: str | None = None
    signer: str | None = None
    """``module:class`` of what signs with a key and a secret; None: the service knows no keys."""
    errors: str | None = None
    """``module:function`` that makes a service's own error of a general one."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables by what they give: ``url``, ``token``, ``api_key``, ``api_secret``."""


def endpoint(
    sdk: Sdk,
    *,
    url: str | None,
    api_key: str | None = None,
    api_secret: str | None = None,
    token: str | None,
    auth: str | Authorize | None,
    timeout: float | Default | None,
    extra_headers: Mapping[str, str] | None,
) -> Endpoint:
    """Check what a client was made with, take what is missing from the environment, and say where its calls go.

    Raises:
        ValueError: Something is missing, refused, or given twice; the text says what to do.
        TypeError: Something has the wrong type.
    """
    url = url if url is not None else _environment(sdk, "url")
    if url is None:
        raise ValueError(f"no URL: pass url=…{_or_set(sdk, 'url')}")
    timeout = timeout if isinstance(timeout, Default) else check_timeout(timeout)
    if not isinstance(timeout, Default | None) and timeout <= 0:
        raise ValueError(f"timeout must be above 0 seconds, not {timeout:g}; None means no limit")
    return Endpoint(
        base_url=normalize_url(url) + sdk.prefix,
        user_agent=f"twirpkit/{__version__} ({sdk.name})",
        authorize=_authorize(sdk, api_key, api_secret, token, auth),
        headers=check_headers(extra_headers),
        timeout=timeout,
        request_id_header=sdk.request_id_header,
        refine=None if sdk.errors is None else _plug_in(sdk.errors),
    )


def service_endpoint(base: Endpoint, sdk: Sdk, service: str) -> Endpoint:
    """Where the calls of one service go: most go where the facade's go.

    Raises:
        ValueError: The service has a host of its own, and it cannot be told.
    """
    host = sdk.services[service].host
    if host is None:
        return base
    root = base.base_url.removesuffix(sdk.prefix)
    return dataclasses.replace(base, base_url=normalize_url(_plug_in(host)(root)) + sdk.prefix)


def _authorize(
    sdk: Sdk, api_key: str | None, api_secret: str | None, token: str | None, auth: str | Authorize | None
) -> Authorize | Secret | None:
    keyed = api_key is not None or api_secret is not None
    if [keyed, token is not None, auth is not None].count(True) > 1:
        raise ValueError(f"give one of {_ways(sdk)}, not several")
    if auth is not None:
        return auth if callable(auth) else Secret(check_value("auth", auth))
    if not keyed and token is None:
        token = _environment(sdk, "token")
        if token is None:
            api_key, api_secret = _environment(sdk, "api_key"), _environment(sdk, "api_secret")
    if token is not None:
        return Secret(f"Bearer {check_value('the token', token)}")
    if sdk.signer is None:
        return None
    if api_key is None or api_secret is None:
        missing = "API secret" if api_key is not None else "API key" if api_secret is not None else "credentials"
        raise ValueError(f"no {missing}: pass {_ways(sdk)}{_or_set(sdk, 'api_key', 'api_secret')}")
    sign: Authorize = _plug_in(sdk.signer)(
        check_value("the API key", api_key), check_value("the API secret", api_secret)
    )
    return sign


def _plug_in(name: str) -> Callable[..., Any]:
    """What a manifest names as ``module:attribute``."""
    module, _, attribute = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found


def _environment(sdk: Sdk, what: str) -> str | None:
    # An empty variable counts as none: that is how a compose file leaves one out.
    return os.environ.get(sdk.env[what]) or None if what in sdk.env else None


def _ways(sdk: Sdk) -> str:
    keys = "api_key=… with api_secret=…, " if sdk.signer is not None else ""
    return f"{keys}token=… or auth=…"


def _or_set(sdk: Sdk, *what: str) -> str:
    names = [sdk.env[each] for each in what if each in sdk.env]
    return f", or set {' and '.join(names)}" if names else ""
