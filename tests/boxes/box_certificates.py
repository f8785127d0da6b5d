"""Certificates of the scenes: good, expired, of another host, of a client, and of a stranger."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Certificates"]


class Certificates:
    """A CA, and what it has signed, as files of a folder."""

    def __init__(self, folder: Path) -> None:
        trustme = pytest.importorskip("trustme")
        self._folder = folder
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        self._issue("good", "localhost", "127.0.0.1")
        self._issue("wrong_host", "other.example")
        self._issue("expired", "localhost", not_before=yesterday - datetime.timedelta(days=9), not_after=yesterday)
        self._issue("client", "crow@example.com")
        stranger = trustme.CA().issue_cert("crow@example.com")
        stranger.private_key_and_cert_chain_pem.write_to_path(str(folder / "stranger.pem"))

    def context(self, client: str | None = None, **options: Any) -> ssl.SSLContext:
        """Return a context that trusts the CA, with a client certificate if one is named."""
        context = ssl.create_default_context(cafile=str(self._folder / "ca.pem"))
        if client is not None:
            context.load_cert_chain(self._folder / f"{client}.pem")
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def server_context(self) -> ssl.SSLContext:
        """Return a context for a server with the good certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._folder / "good.pem")
        return context

    def _issue(self, name: str, *identities: str, **options: Any) -> None:
        path = self._folder / f"{name}.pem"
        self._ca.issue_cert(*identities, **options).private_key_and_cert_chain_pem.write_to_path(str(path))
        path.chmod(0o644)
