"""Facts of a generated package: values of its manifest, which generated code fills in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twirpkit._protocol.known_errors import KnownError

__all__ = ["PackageInfo", "SchemaOrigin", "ServiceInfo"]


@dataclass(frozen=True, slots=True)
class SchemaOrigin:
    """The origin of the protos that a package was generated from."""

    name: str
    url: str | None = None
    license: str | None = None
    """An SPDX expression, such as ``Apache-2.0``."""
    version: str | None = None
    """The version of the schema that the package corresponds to."""


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """The names of the parts of one service."""

    attribute: str
    """The facade's property, and the name of the service's modules."""
    class_name: str
    """The sync class; the async one has ``Async`` before it."""
    host: str | None = None
    """``module:function`` that makes the service's base URL from the facade's; None: it is the facade's."""


@dataclass(frozen=True, slots=True)
class PackageInfo:
    """The facts of one generated package; values of its manifest."""

    name: str
    """The import package."""
    facade: str
    """The sync facade; the async one has ``Async`` before it."""
    services: Mapping[str, ServiceInfo]
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
    known_errors: Sequence[KnownError] = ()
    """Errors that the server is known to send."""
    origin: SchemaOrigin | None = None
    """The origin of the protos, where the manifest says it."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables by what they give: ``url``, ``token``, ``api_key``, ``api_secret``."""
