"""Client configuration from the arguments of a client and from the environment."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any, Unpack

from twirpkit._config.credentials import (
    environment_credentials,
    environment_value,
    given_authorization,
    missing_credentials,
    or_set,
    take_credentials,
    warn_if_insecure,
)
from twirpkit._config.package_info import PackageInfo
from twirpkit._config.plug_in import load_plug_in
from twirpkit._engine.client_config import ClientConfig
from twirpkit._protocol.headers import check_headers, check_value, merge_headers
from twirpkit._protocol.url import normalize_url
from twirpkit._secret import Secret, conceal, revealed
from twirpkit._suggestion import check_arguments
from twirpkit.events import check_function
from twirpkit.options import UNSET, ClientOptions, Unset, check_client_timeout, check_hooks, check_retry
from twirpkit.version import __version__

__all__ = ["client_config", "merge", "service_config", "user_agent"]


def client_config(package: PackageInfo, *, regions: Any = UNSET, **options: Unpack[ClientOptions]) -> ClientConfig:
    """Check a client's arguments, take what is missing from the environment, and return its configuration.

    Args:
        package: The generated package.
        regions: The package's plug-in for other hosts of the service, None for none.
        options: `twirpkit.options.ClientOptions`.

    Raises:
        ValueError: An argument is missing, refused, or given twice; the text says what to do.
        TypeError: An argument has the wrong type.
    """
    url: Any = options.pop("url", None)
    credentials = take_credentials(options)
    keys = credentials["api_key"], credentials["api_secret"]
    if any(isinstance(each, str | Secret) and "://" in revealed(each) for each in keys):
        raise ValueError("an API key or secret is a URL: the order of the arguments is url, api_key, api_secret")
    url = conceal(url if url is not None else environment_value(package, "url"))
    if url is None:
        raise ValueError(f"no URL: pass url=…{or_set(package, 'url')}")
    base = _base_url(package, url)
    if not any(value is not None for value in credentials.values()):
        credentials = environment_credentials(package)
    authorize = given_authorization(package, **credentials)
    if authorize is None and package.signer is not None:
        raise missing_credentials(package)
    if authorize is not None:
        warn_if_insecure(base)
    if isinstance(regions, Unset):
        regions = None if package.regions is None else load_plug_in(package.regions)()
    elif regions is not None and (isinstance(regions, type) or not hasattr(regions, "failover")):
        raise TypeError(f"regions must be Regions, or None for none, not {type(regions).__name__}")
    defaults = ClientConfig(
        base_url=base + package.prefix,
        user_agent=user_agent(package),
        authorize=authorize,
        request_id_header=package.request_id_header,
        refine=None if package.errors is None else load_plug_in(package.errors),
        failover=None if regions is None else regions.failover(base),
        regions=regions,
        known_errors=package.known_errors,
    )
    return merge(defaults, package, **options)


def merge(base: ClientConfig, package: PackageInfo | None, **options: Unpack[ClientOptions]) -> ClientConfig:
    """Return a configuration with other options; one that is not given, `UNSET` or None stays as it is.

    Args:
        base: The configuration to start from.
        package: The generated package; None for a client of no package, which knows no API keys.
        options: `twirpkit.options.ClientOptions`.

    Raises:
        ValueError: An option is refused, or credentials are given in several ways.
        TypeError: An option is unknown or has the wrong type.
    """
    check_arguments("a client", options, ClientOptions.__annotations__, kind="option")
    authorize = given_authorization(package, **take_credentials(options))
    timeout, retry, hooks = options.get("timeout", UNSET), options.get("retry", UNSET), options.get("hooks")
    headers, extra, url = options.get("extra_headers"), options.get("user_agent_extra"), options.get("url")
    source = headers if callable(headers) else None
    if source is not None:
        check_function("extra_headers", source, "no argument")
    merged = dataclasses.replace(
        base,
        timeout=base.timeout if isinstance(timeout, Unset) else check_client_timeout(timeout),
        retry=base.retry if isinstance(retry, Unset) else check_retry(retry),
        authorize=authorize or base.authorize,
        headers=merge_headers(base.headers, check_headers(None if callable(headers) else headers)),
        header_sources=base.header_sources if source is None else (*base.header_sources, source),
        hooks=base.hooks if hooks is None else check_hooks(hooks),
        user_agent_extra=base.user_agent_extra if extra is None else check_value("user_agent_extra", extra),
    )
    if url is None:
        return merged
    root = _base_url(package, url)
    if merged.authorize is not None:
        warn_if_insecure(root)
    prefix = "" if package is None else package.prefix
    failover = None if base.regions is None else base.regions.failover(root)
    moved = dataclasses.replace(merged, base_url=root + prefix, failover=failover, unavailable=None)
    return moved if base.service is None or package is None else service_config(moved, package, base.service)


def user_agent(package: PackageInfo, transport: object = None) -> str:
    """Return the User-Agent header of a package's clients.

    For example ``twirpkit/1.0 (acme_hats; Python 3.13.1; SocketTransport)``.
    """
    names = [package.name, f"Python {'.'.join(map(str, sys.version_info[:3]))}"]
    if transport is not None and type(transport).__name__.isascii():
        names.append(type(transport).__name__)
    return f"twirpkit/{__version__} ({'; '.join(names)})"


def _base_url(package: PackageInfo | None, url: str | Secret) -> str:
    """Return the normalized base URL, without the prefix of the services."""
    base = normalize_url(url)
    if package is None:
        return base
    if package.prefix and base.endswith(package.prefix):
        raise ValueError(f"the URL {base!r} ends with {package.prefix}, which the client adds itself: leave it out")
    for service in package.services:
        _, found, rest = base.partition(f"{package.prefix}/{service}")
        if found:
            raise ValueError(f"the URL {base!r} ends with {found}{rest}, which the client adds itself: leave it out")
    return base


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
        return dataclasses.replace(base, failover=None, service=service, unavailable=str(error))
    if base.authorize is not None:
        warn_if_insecure(there)
    # The hosts that failover knows are the facade's, not this service's.
    return dataclasses.replace(base, base_url=there + package.prefix, failover=None, service=service)
