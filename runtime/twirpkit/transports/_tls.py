"""``tls=``: who vouches for a server's certificate (rule E2)."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from twirpkit.options import Tls

__all__ = ["tls_context"]


def tls_context(tls: Tls | None) -> ssl.SSLContext | None:
    """The context that ``tls=`` means; None: the system's store.

    Raises:
        TypeError: It is neither.
        ValueError: The path does not exist or holds no certificates, or the context is a server's.
    """
    if tls is None:
        return None
    if isinstance(tls, ssl.SSLContext):
        if tls.protocol is ssl.PROTOCOL_TLS_SERVER:
            raise ValueError("tls must be a context for clients: ssl.create_default_context() makes one")
        return tls
    if not isinstance(tls, str | os.PathLike):
        raise TypeError(f"tls must be an ssl.SSLContext or a path to CA certificates, not {type(tls).__name__}")
    path = Path(tls)
    if not path.exists():
        raise ValueError(f"tls: there is no file or folder {str(path)!r}")
    try:
        context = ssl.create_default_context(capath=path) if path.is_dir() else ssl.create_default_context(cafile=path)
    except OSError as error:
        problem = str(error)
    else:
        context.set_alpn_protocols(["http/1.1"])
        return context
    raise ValueError(f"tls: {str(path)!r} cannot be read as CA certificates: {problem}")
