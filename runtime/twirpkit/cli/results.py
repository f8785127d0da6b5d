"""Results of a run: the response on standard output, an error as one line on standard error, and the exit code."""

from __future__ import annotations

import os
import sys
from typing import Final

from google.protobuf.message import Message

from twirpkit._schema.json_writer import to_json
from twirpkit.errors import (
    AlreadyExistsError,
    AuthError,
    BadRouteError,
    Code,
    DeadlineExceededError,
    DecodeError,
    FailedPreconditionError,
    InvalidArgumentError,
    MalformedError,
    NotFoundError,
    OutOfRangeError,
    ResourceExhaustedError,
    TwirpError,
    UnavailableError,
    UnimplementedError,
)

__all__ = ["EXIT_CODES", "INTERRUPTED", "USAGE", "exit_code", "json_text", "print_error", "print_output"]

OTHER: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

EXIT_CODES: Final[tuple[tuple[int, tuple[type[TwirpError], ...], str], ...]] = (
    (USAGE, (), "the command line or the environment is wrong; nothing was sent"),
    (3, (AuthError,), "no valid token, or a grant is missing"),
    (4, (NotFoundError,), "not found"),
    (5, (InvalidArgumentError, MalformedError, OutOfRangeError), "the server rejects the request as invalid"),
    (6, (AlreadyExistsError, FailedPreconditionError), "the server's state does not allow it"),
    (7, (ResourceExhaustedError,), "a quota or rate limit is exhausted"),
    (8, (DeadlineExceededError,), "the time ran out, here or on the server"),
    (9, (UnavailableError,), "the service is unavailable, or no complete response arrived"),
    (10, (BadRouteError, UnimplementedError), "the server does not have this RPC, or the URL is wrong"),
    (OTHER, (TwirpError,), "any other error"),
    (INTERRUPTED, (), "interrupted (Ctrl-C)"),
    (BROKEN_PIPE, (), "the reader of the output closed the pipe"),
)
"""Exit codes, the error classes that map to them (the first match counts), and their meanings.

The mapping is by class, not by Twirp code: an error that a plug-in refined, for example of a phone network, does not
mean that the caller was refused.
"""


def json_text(response: Message, *, redact: bool) -> str:
    """Return the response as one JSON document; `redact` hides the fields that the schema marks.

    Names are the proto's, and a field without presence is always there, so that a script finds it. The text is ASCII,
    whatever the terminal's encoding, so that no text of a server can control the terminal.

    Raises:
        DecodeError: The response has no JSON form.
    """
    try:
        return to_json(response, redact=redact, defaults=True, indent=2)
    except ValueError as error:  # a date past the year 9999, an Any of an unknown type
        problem = f"the call succeeded, but its response has no JSON form: {error}"
    raise DecodeError(Code.INTERNAL, problem)


def exit_code(error: TwirpError) -> int:
    """Return the exit code for a call that failed."""
    return next(code for code, classes, _ in EXIT_CODES if isinstance(error, classes))


def print_output(text: str, prog: str) -> int:
    """Write a response or help to standard output, and return the exit code."""
    try:
        sys.stdout.write(f"{text.rstrip()}\n")
        sys.stdout.flush()
        return 0
    except OSError as error:
        # Otherwise Python tries to write the rest again when it exits, and reports the error itself.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print_error(f"{prog}: the output of a command that succeeded cannot be written: {error.strerror}")
            return OTHER
    return BROKEN_PIPE


def print_error(text: str) -> None:
    """Write one line to standard error, with characters escaped that could control a terminal."""
    line = " ".join(text.split())
    print("".join(each if each.isprintable() else ascii(each)[1:-1] for each in line), file=sys.stderr)
