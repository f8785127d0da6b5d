"""How a run ends: the exit code, the answer on standard output, one line of an error on standard error."""

from __future__ import annotations

import os
import sys
from typing import Final

from google.protobuf import json_format
from google.protobuf.message import Message

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

__all__ = ["EXIT_CODES", "INTERRUPTED", "USAGE", "exit_code", "json_text", "say", "write"]

OTHER: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

EXIT_CODES: Final[tuple[tuple[int, tuple[type[TwirpError], ...], str], ...]] = (
    (USAGE, (), "the command line or the environment is wrong; nothing was sent"),
    (3, (AuthError,), "refused: no valid token, or one that lacks a grant"),
    (4, (NotFoundError,), "what was asked for does not exist"),
    (5, (InvalidArgumentError, MalformedError, OutOfRangeError), "the server calls the request wrong"),
    (6, (AlreadyExistsError, FailedPreconditionError), "the server's state does not allow it"),
    (7, (ResourceExhaustedError,), "a quota or rate limit is used up"),
    (8, (DeadlineExceededError,), "time ran out, here or on the server"),
    (9, (UnavailableError,), "the service cannot answer now, or no whole answer came"),
    (10, (BadRouteError, UnimplementedError), "the server has no such RPC, or the URL leads elsewhere"),
    (OTHER, (TwirpError,), "any other error"),
    (INTERRUPTED, (), "interrupted (Ctrl-C)"),
    (BROKEN_PIPE, (), "nobody read the output to its end"),
)
"""Exit codes, the errors that end in them (the first line that fits counts), and what they mean.

By class and not by Twirp code: an error that a service refined, say of a phone network, is no refusal of the caller.
"""


def json_text(answer: Message) -> str:
    """The answer as one JSON document.

    Names are the proto's, and a field without presence is there even when it has its default: a script finds what it
    asks for. Only ASCII, whatever the terminal's encoding, so that no text of a server can steer the terminal.

    Raises:
        DecodeError: The answer holds what JSON cannot say.
    """
    try:
        return json_format.MessageToJson(
            answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, ensure_ascii=True
        )
    except (json_format.Error, ValueError, TypeError, AttributeError) as error:
        # A date past the year 9999, an Any of an unknown type, a field that is called like a method of protobuf's.
        problem = f"the call succeeded, but its answer has no JSON form: {error}"
    raise DecodeError(Code.INTERNAL, problem)


def exit_code(error: TwirpError) -> int:
    """The exit code for a call that failed."""
    return next(code for code, classes, _ in EXIT_CODES if isinstance(error, classes))


def write(text: str, prog: str) -> int:
    """Put the answer, or help, on standard output; returns the exit code."""
    try:
        sys.stdout.write(f"{text.rstrip()}\n")
        sys.stdout.flush()
        return 0
    except OSError as error:
        # Else Python tries to write the rest once more when it ends, and complains.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            say(f"{prog}: the output of a command that succeeded cannot be written: {error.strerror}")
            return OTHER
    return BROKEN_PIPE


def say(text: str) -> None:
    """One line on standard error, with nothing in it that could steer a terminal."""
    line = " ".join(text.split())
    print("".join(each if each.isprintable() else ascii(each)[1:-1] for each in line), file=sys.stderr)
