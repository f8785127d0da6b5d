"""The part of the model that comes from the manifest: the package and its distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "FakeServer",
    "KnownError",
    "Origin",
    "PackageInfo",
    "Project",
]


@dataclass(frozen=True, slots=True)
class KnownError:
    """A known error of the server."""

    code: str | None
    """None for any code."""
    text: str
    """A part of its message."""
    hint: str
    """A remark that is added to the message; may be empty."""
    final: bool
    """True if it is never retried."""
    strip: bool
    """True if the text is a prefix that is left out of the message."""
    cloud_only: bool
    """True if it is known of RPCs that only the vendor's cloud has."""


@dataclass(frozen=True, slots=True)
class FakeServer:
    """A fake server of another package, bound to this one."""

    module: str
    name: str
    """The class."""
    parameters: tuple[str, ...]
    """Names of this package that the class is generic in."""
    exports: tuple[str, ...]
    """Further names of the module that the SDK exports beside it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The manifest's ``[upstream]``: where the protos come from."""

    name: str
    url: str | None = None
    license: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """The manifest's ``[project]``: the distribution that the package is published in."""

    name: str
    version: str
    description: str
    license: str | None = None
    license_files: tuple[str, ...] = ()
    """Files beside the generated ones that the author writes, such as ``LICENSE``."""
    urls: Mapping[str, str] = field(default_factory=dict)
    classifiers: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    """Requirements of plug-ins, besides the runtime."""
    example: str = ""
    """Python for the readme."""


@dataclass(frozen=True, slots=True)
class PackageInfo:
    """Facts of the package as a whole, from the manifest's ``[sdk]``."""

    name: str
    """The import package."""
    facade: str
    summary: str
    prefix: str
    signer: str | None
    errors: str | None
    regions: str | None
    testing: FakeServer | None
    """A fake server for tests."""
    request_id_header: str | None
    env: Mapping[str, str]
    known_errors: tuple[KnownError, ...]
    sensitivity: str | None
    """Full name of the field option that marks secret and personal fields."""
    sensitive_fields: tuple[str, ...] = ()
    """Full names of further secret and personal fields."""
    share: str | None = None
    """The package whose pool this one's messages are in, too; None for a pool of its own."""
    origin: Origin | None = None
    project: Project | None = None
    sensitivity_number: int | None = None
    """Its number; set when the protos have been read."""
