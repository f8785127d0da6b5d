"""What a generated package says of itself, and how its clients find their URL and credentials."""

from __future__ import annotations

import dataclasses
import importlib
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twirpkit.call import DEFAULT, Authorize, Default, Endpoint, RetryOption, check_retry, check_timeout
from twirpkit.events import LOGGER, Hook
from twirpkit.headers import Secret, check_headers, check_value
from twirpkit.hints import KnownAnswer
from twirpkit.outgoing import merged_headers
from twirpkit.retry import RetryPolicy
from twirpkit.url import is_loopback, normalize_url
from twirpkit.version import __version__
from twirpkit.warnings import InsecureTransportWarning

__all__ = ["Sdk", "ServiceFacts", "changed", "endpoint", "service_endpoint"]


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
    regions: str | None = None
    """``module:class`` of what knows a service's other hosts; None: it has one host."""
    answers: Sequence[KnownAnswer] = ()
    """What is known of the server's errors."""
    sensitivity: int | None = None
    """The number of the field option that marks secret and personal fields."""
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
    retry: RetryOption = DEFAULT,
    extra_headers: Mapping[str, str] | None = None,
    hooks: Iterable[Hook] = (),
    regions: Any = DEFAULT,
) -> Endpoint:
    """Check what a client was made with, take what is missing from the environment, and say where its calls go.

    Raises:
        ValueError: Something is missing, refused, or given twice; the text says what to do.
        TypeError: Something has the wrong type.
    """
    url = url if url is not None else _environment(sdk, "url")
    if url is None:
        raise ValueError(f"no URL: pass url=…{_or_set(sdk, 'url')}")
    base = normalize_url(url)
    authorize = _authorize(sdk, api_key, api_secret, token, auth)
    if authorize is not None:
        _warn_if_readable(base)
    if isinstance(regions, Default):
        regions = None if sdk.regions is None else _plug_in(sdk.regions)()
    return Endpoint(
        base_url=base + sdk.prefix,
        user_agent=f"twirpkit/{__version__} ({sdk.name})",
        authorize=authorize,
        headers=check_headers(extra_headers),
        timeout=_check_default(timeout),
        request_id_header=sdk.request_id_header,
        refine=None if sdk.errors is None else _plug_in(sdk.errors),
        retry=RetryPolicy() if isinstance(retry, Default) else check_retry(retry),
        failover=None if regions is None else regions.failover(base),
        known=sdk.answers,
        sensitivity=sdk.sensitivity,
        hooks=_check_hooks(hooks),
    )


def changed(
    base: Endpoint,
    *,
    timeout: float | Default | None,
    retry: RetryOption,
    token: str | None,
    auth: str | Authorize | None,
    extra_headers: Mapping[str, str] | None,
    hooks: Iterable[Hook] | None,
) -> Endpoint:
    """An endpoint with other options; what is DEFAULT or None stays as it is.

    Raises:
        ValueError: Something is refused, or a token and an auth are given together.
        TypeError: Something has the wrong type.
    """
    if token is not None and auth is not None:
        raise ValueError("give token=… or auth=…, not both")
    return dataclasses.replace(
        base,
        timeout=base.timeout if isinstance(timeout, Default) else _check_default(timeout),
        retry=base.retry if isinstance(retry, Default) else check_retry(retry),
        authorize=_given(token, auth) or base.authorize,
        headers=merged_headers(base.headers, check_headers(extra_headers)),
        hooks=base.hooks if hooks is None else _check_hooks(hooks),
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
    there = normalize_url(_plug_in(host)(root))
    if base.authorize is not None:
        _warn_if_readable(there)
    # The hosts that failover knows are the facade's, not this service's.
    return dataclasses.replace(base, base_url=there + sdk.prefix, failover=None)


def _check_default(timeout: float | Default | None) -> float | Default | None:
    """A client's timeout. Raises ValueError where no call could ever be made with it."""
    timeout = timeout if isinstance(timeout, Default) else check_timeout(timeout)
    if not isinstance(timeout, Default | None) and timeout <= 0:
        raise ValueError(f"timeout must be above 0 seconds, not {timeout:g}; None means no limit")
    return timeout


def _check_hooks(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    if callable(hooks):
        raise TypeError("hooks must be a list of functions: put the one into brackets")
    checked = tuple(hooks)
    for hook in checked:
        if not callable(hook):
            raise TypeError(f"hooks: {type(hook).__name__} is no function")
    return checked


_warned: set[str] = set()


def _warn_if_readable(base_url: str) -> None:
    """Warn where credentials go over plain HTTP to another machine; in the log, once a host (rule E4)."""
    scheme, _, rest = base_url.partition("://")
    host = rest.partition("/")[0]
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if scheme != "http" or is_loopback(name):
        return
    text = f"credentials go over http:// to {host}, where whoever is in between can read them: use https"
    if host not in _warned:
        _warned.add(host)
        LOGGER.warning("%s", text)
    warnings.warn(text, InsecureTransportWarning, stacklevel=4)


def _authorize(
    sdk: Sdk, api_key: str | None, api_secret: str | None, token: str | None, auth: str | Authorize | None
) -> Authorize | Secret | None:
    keyed = api_key is not None or api_secret is not None
    if [keyed, token is not None, auth is not None].count(True) > 1:
        raise ValueError(f"give one of {_ways(sdk)}, not several")
    if not keyed and token is None and auth is None:
        token = _environment(sdk, "token")
        if token is None:
            api_key, api_secret = _environment(sdk, "api_key"), _environment(sdk, "api_secret")
    if (given := _given(token, auth)) is not None:
        return given
    if sdk.signer is None:
        return None
    if api_key is None or api_secret is None:
        missing = "API secret" if api_key is not None else "API key" if api_secret is not None else "credentials"
        raise ValueError(f"no {missing}: pass {_ways(sdk)}{_or_set(sdk, 'api_key', 'api_secret')}")
    sign: Authorize = _plug_in(sdk.signer)(
        check_value("the API key", api_key), check_value("the API secret", api_secret)
    )
    return sign


def _given(token: str | None, auth: str | Authorize | None) -> Authorize | Secret | None:
    if token is not None:
        return Secret(f"Bearer {check_value('the token', token)}")
    return auth if auth is None or callable(auth) else Secret(check_value("auth", auth))


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
