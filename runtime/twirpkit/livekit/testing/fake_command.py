"""The command ``python -m livekit_twirp.testing``: a fake LiveKit for other processes."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from twirpkit.livekit.testing.fake_livekit import API_KEY, API_SECRET, FakeLiveKit
from twirpkit.testing.listener import HOST

__all__ = ["run_fake"]


def run_fake(fake_class: type[FakeLiveKit[Any, Any, Any]], arguments: list[str] | None = None) -> int:
    """Serve a fake LiveKit until the process is interrupted, and return the exit code.

    Args:
        fake_class: The class of the generated package.
        arguments: The arguments of the command; None: those of the process.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {fake_class.package.name}.testing",
        description="Serve a fake LiveKit for tests. There is no media.",
    )
    parser.add_argument("--port", type=int, default=7880, help="the port; 0 for a free one (default: 7880)")
    parser.add_argument("--host", default=HOST, help="the address to listen on (default: %(default)s)")
    parser.add_argument("--api-key", default=API_KEY, help="the key that clients sign with (default: %(default)s)")
    parser.add_argument("--api-secret", default=API_SECRET, help="the key's secret (default: %(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast its clock runs; 0: not at all (default: 1)")
    parser.add_argument("--webhook", metavar="URL", help="a URL that webhooks are sent to")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(
            fake_class(api_key=options.api_key, api_secret=options.api_secret, webhook=options.webhook)
        )
        try:
            fake.run_clock(options.speed)
        except ValueError as error:
            parser.error(str(error))
        server = stack.enter_context(fake.serve(options.port, host=options.host))
        print(f"LIVEKIT_URL={server.url}", f"LIVEKIT_API_KEY={server.api_key}", sep="\n")
        print(f"LIVEKIT_API_SECRET={server.api_secret}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()
    return 0
