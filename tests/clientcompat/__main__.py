"""``python tests/clientcompat``: see `compat_client`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import warnings
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).parent / "generated"))  # before the import that needs it

from compat_client import acall, call, read

from twirpkit._protocol.constants import SERVER_CODE
from twirpkit.errors import Code, TwirpError

__all__ = ["main"]


def main(arguments: list[str], stdin: BinaryIO, stdout: BinaryIO, stderr: BinaryIO) -> int:
    """Make the call that `stdin` holds; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python tests/clientcompat", description="Twirp's client test.")
    parser.add_argument("--async", dest="use_async", action="store_true", help="call with the async client")
    options = parser.parse_args(arguments)
    try:
        address, request = read(stdin.read())
        response = asyncio.run(acall(address, request)) if options.use_async else call(address, request)
    except TwirpError as error:
        # Where the server gave the call up, ours says that time was over (rule B4); the test wants the server's word.
        given_up = error.status == 408 and error.meta.get(SERVER_CODE) == Code.CANCELED
        stderr.write((Code.CANCELED if given_up else error.code).encode())
        return 0
    except ValueError as error:
        stderr.write(f"{error}\n".encode())
        return 2
    stdout.write(response.SerializeToString())
    return 0


if __name__ == "__main__":
    # The test reads every byte on standard error as a code; libraries may warn, and asyncio's debug mode may log.
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer))
