"""TLS contexts: who vouches for a server's certificate (rule E2)."""

from __future__ import annotations

import os
import ssl
import warnings
from pathlib import Path
from typing import Final

from twirpkit.errors import InsecureTransportWarning
from twirpkit.options import Tls
from twirpkit.transports._net.connect_failures import ConnectError

__all__ = ["default_context", "tls_context"]

_contexts: Final[dict[tuple[str | None, str | None], ssl.SSLContext]] = {}
"""The contexts of this process that trust the system's store, by the variables that name another one. To read a store
takes 20 ms, more than most calls. Threads that race make one too many, which is better than a lock in a fork."""

_UNVERIFIED: Final = (
    "tls= is a context that does not verify the server's certificate: whoever is in between can read the credentials; "
    'give the server\'s CA as tls="ca.pem"'
)


def tls_context(tls: Tls | None) -> ssl.SSLContext | None:
    """Return the context that ``tls=`` means; None: the system's store vouches.

    A context that verifies nothing gives an `InsecureTransportWarning` (rule E4).

    Raises:
        TypeError: It is neither a context nor a path.
        ValueError: The path does not exist or holds no certificates, or the context is a server's.
    """
    if tls is None:
        return None
    if isinstance(tls, ssl.SSLContext):
        if tls.protocol is ssl.PROTOCOL_TLS_SERVER:
            raise ValueError("tls must be a context for clients: ssl.create_default_context() makes one")
        if tls.verify_mode is ssl.CERT_NONE:
            warnings.warn(_UNVERIFIED, InsecureTransportWarning, stacklevel=5)  # who made the client
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


def default_context() -> ssl.SSLContext:
    """Return the context that trusts the system's store; one for the whole process.

    Raises:
        OSError: The store cannot be read. Nothing is kept then: the next call reads it again.
        ConnectError: The store is empty.
    """
    key = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    context = _contexts.get(key)
    if context is None:
        context = ssl.create_default_context()
        _check_store(context)
        context.set_alpn_protocols(["http/1.1"])
        context = _contexts.setdefault(key, context)
    return context


def _check_store(context: ssl.SSLContext) -> None:
    """Raise OSError or ConnectError if no certificate was loaded: OpenSSL says neither that nor why."""
    if context.cert_store_stats()["x509"]:
        return
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        context.load_verify_locations(paths.cafile)
    if paths.capath is not None and os.listdir(paths.capath):  # its files are read when a certificate needs them
        return
    if not context.cert_store_stats()["x509"]:
        places = f"{paths.openssl_cafile} or {paths.openssl_capath}"
        way_out = 'give them as tls="ca.pem" or in SSL_CERT_FILE'
        raise ConnectError(f"no CA certificates were found in {places}; {way_out}", final=True)
