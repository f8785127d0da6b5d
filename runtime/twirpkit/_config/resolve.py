"""Client configuration from the arguments of a client and from the environment."""

from __future__ import annotations

import dataclasses
from typing import Any, Unpack

from twirpkit._config.credentials import (
    authorization_source,
    environment_value,
    explicit_authorization,
    or_set,
    warn_if_insecure,
)
from twirpkit._config.package_info import PackageInfo
from twirpkit._config.plug_in import load_plug_in
from twirpkit._engine.client_config import ClientConfig
from twirpkit._protocol.headers import check_headers, merge_headers
from twirpkit._protocol.url import normalize_url
from twirpkit._secret import Secret, conceal, revealed
from twirpkit._suggestion import suggestion
from twirpkit.options import UNSET, ClientOptions, Unset, check_client_timeout, check_hooks, check_retry
from twirpkit.version import __version__

__all__ = ["client_config", "merge", "service_config"]


def client_config(
    package: PackageInfo,
    *,
    url: str | Secret | None,
    api_key: str | Secret | None = None,
    api_secret: str | Secret | None = None,
    regions: Any = UNSET,
    **options: Unpack[ClientOptions],
) -> ClientConfig:
    """Check a client's arguments, take what is missing from the environment, and return its configuration.

    Args:
        package: The generated package.
        url: The base URL of the service.
        api_key: The key that signs the token of each call.
        api_secret: The key's secret.
        regions: The package's plug-in for other hosts of the service, None for none.
        options: `twirpkit.options.ClientOptions`.

    Raises:
        ValueError: An argument is missing, refused, or given twice; the text says what to do.
        TypeError: An argument has the wrong type.
    """
    if any(isinstance(each, str | Secret) and "://" in revealed(each) for each in (api_key, api_secret)):
        raise ValueError("an API key or secret is a URL: the order of the arguments is url, api_key, api_secret")
    url = conceal(url if url is not None else environment_value(package, "url"))
    if url is None:
        raise ValueError(f"no URL: pass url=…{or_set(package, 'url')}")
    base = normalize_url(url)
    if package.prefix and base.endswith(package.prefix):
        raise ValueError(f"the URL {base!r} ends with {package.prefix}, which the client adds itself: leave it out")
    token, auth = options.pop("token", None), options.pop("auth", None)
    authorize = authorization_source(package, api_key, api_secret, token, auth)
    if authorize is not None:
        warn_if_insecure(base)
    if isinstance(regions, Unset):
        regions = None if package.regions is None else load_plug_in(package.regions)()
    defaults = ClientConfig(
        base_url=base + package.prefix,
        user_agent=f"twirpkit/{__version__} ({package.name})",
        authorize=authorize,
        request_id_header=package.request_id_header,
        refine=None if package.errors is None else load_plug_in(package.errors),
        failover=None if regions is None else regions.failover(base),
        known_errors=package.known_errors,
    )
    return merge(defaults, **options)


def merge(base: ClientConfig, **options: Unpack[ClientOptions]) -> ClientConfig:
    """Return a configuration with other options; one that is not given, `UNSET` or None stays as it is.

    Raises:
        ValueError: An option is refused, or a token and an auth are given together.
        TypeError: An option is unknown or has the wrong type.
    """
    for name in options:
        if name not in ClientOptions.__annotations__:
            raise TypeError(f"a client has no option {name!r}{suggestion(name, ClientOptions.__annotations__)}")
    token, auth = options.get("token"), options.get("auth")
    if token is not None and auth is not None:
        raise ValueError("give token=… or auth=…, not both")
    timeout, retry, hooks = options.get("timeout", UNSET), options.get("retry", UNSET), options.get("hooks")
    headers = options.get("extra_headers")
    source = headers if callable(headers) else None
    return dataclasses.replace(
        base,
        timeout=base.timeout if isinstance(timeout, Unset) else check_client_timeout(timeout),
        retry=base.retry if isinstance(retry, Unset) else check_retry(retry),
        authorize=explicit_authorization(token, auth) or base.authorize,
        headers=merge_headers(base.headers, check_headers(None if callable(headers) else headers)),
        header_sources=base.header_sources if source is None else (*base.header_sources, source),
        hooks=base.hooks if hooks is None else check_hooks(hooks),
    )


def service_config(base: ClientConfig, package: PackageInfo, service: str) -> ClientConfig:
    """Return the configuration for the calls of one service, which differs from the facade's only for its own host.

    Raises:
        ValueError: The service has its own host, which cannot be determined.
    """
    host = package.services[service].host
    if host is None:
        return base
    root = base.base_url.removesuffix(package.prefix)
    try:
        there = normalize_url(load_plug_in(host)(root))
    except ValueError as error:  # told by its calls: reading an attribute of a client must not raise
        return dataclasses.replace(base, failover=None, unavailable=str(error))
    if base.authorize is not None:
        warn_if_insecure(there)
    # The hosts that failover knows are the facade's, not this service's.
    return dataclasses.replace(base, base_url=there + package.prefix, failover=None)
