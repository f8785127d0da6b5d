"""Types of arguments that generated clients share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Union

if TYPE_CHECKING:
    import os
    import ssl

    from google.protobuf.internal.containers import RepeatedScalarFieldContainer

__all__ = ["ProxyOption", "Strings", "Tls"]

ProxyOption: TypeAlias = str | Literal[False] | None
"""The URL of a proxy, False for none, None for what the environment says."""

Strings: TypeAlias = Union[list[str], tuple[str, ...], "RepeatedScalarFieldContainer[str]"]
"""Several strings. Not ``Sequence[str]``, which a bare ``str`` is too."""

Tls: TypeAlias = Union["ssl.SSLContext", str, "os.PathLike[str]"]
"""A context, used as it is, or the path of a file or folder of CA certificates, which then vouch alone."""
