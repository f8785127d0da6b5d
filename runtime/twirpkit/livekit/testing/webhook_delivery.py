"""Delivery of webhooks to a URL: signed, in order, and again if the receiver fails."""

from __future__ import annotations

import queue
import threading
import urllib.error
import urllib.request
from typing import Final

from twirpkit._protocol.constants import AUTHORIZATION, CONTENT_TYPE

__all__ = ["WebhookDelivery"]

WEBHOOK_TYPE: Final = "application/webhook+json"
ATTEMPTS: Final = 3
TIMEOUT: Final = 10.0
"""Seconds for one attempt."""


class WebhookDelivery:
    """A thread that delivers webhooks to one URL.

    Args:
        url: The receiver, ``http://`` or ``https://``.

    Raises:
        ValueError: The URL has another scheme.
    """

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"webhook={url!r} is not an http or https URL")
        self._url = url
        self._queue: queue.SimpleQueue[tuple[bytes, str] | None] = queue.SimpleQueue()
        self._pending = 0
        self._changed = threading.Condition()
        self.failures: list[str] = []
        """Reasons of deliveries that failed in all attempts."""
        self._thread = threading.Thread(target=self._run, name="webhooks of a fake LiveKit", daemon=True)
        self._thread.start()

    def __call__(self, body: bytes, authorization: str) -> None:
        """Deliver a webhook, after those before it."""
        with self._changed:
            self._pending += 1
        self._queue.put((body, authorization))

    def wait(self, timeout: float) -> bool:
        """Wait until everything is delivered, or has failed; return False after so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._pending == 0, timeout)

    def close(self) -> None:
        """Deliver what is left, and end the thread. Twice is fine."""
        self._queue.put(None)
        self._thread.join(ATTEMPTS * TIMEOUT)

    def _run(self) -> None:
        while (delivery := self._queue.get()) is not None:
            self._deliver(*delivery)
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()

    def _deliver(self, body: bytes, authorization: str) -> None:
        headers = {CONTENT_TYPE: WEBHOOK_TYPE, AUTHORIZATION: authorization}
        problem = ""
        for _ in range(ATTEMPTS):
            request = urllib.request.Request(self._url, body, headers)  # noqa: S310  # the scheme was checked
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310  # likewise
                    return
            except urllib.error.HTTPError as error:
                problem = f"HTTP {error.code}"
                error.close()
            except OSError as error:
                problem = str(error)
        self.failures.append(problem)
