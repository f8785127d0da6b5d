"""The errors: their tree, what they say, and that they survive a pickle, a copy and a queue."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, get_args

import pytest

import twirpkit
from twirpkit import errors
from twirpkit.errors import Code, TwirpError, error_class

NAMES = {
    "canceled": "CanceledError",
    "unknown": "UnknownError",
    "invalid_argument": "InvalidArgumentError",
    "malformed": "MalformedError",
    "deadline_exceeded": "DeadlineExceededError",
    "not_found": "NotFoundError",
    "bad_route": "BadRouteError",
    "already_exists": "AlreadyExistsError",
    "permission_denied": "PermissionDeniedError",
    "unauthenticated": "UnauthenticatedError",
    "resource_exhausted": "ResourceExhaustedError",
    "failed_precondition": "FailedPreconditionError",
    "aborted": "AbortedError",
    "out_of_range": "OutOfRangeError",
    "unimplemented": "UnimplementedError",
    "internal": "InternalError",
    "unavailable": "UnavailableError",
    "data_loss": "DataLossError",
}
PARENTS = {
    "UnauthenticatedError": errors.AuthError,
    "PermissionDeniedError": errors.AuthError,
    "TransportError": errors.UnavailableError,
    "DecodeError": errors.InternalError,
}
CLASSES = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, TwirpError)]


def test_every_code_has_its_class() -> None:
    assert {code.value: error_class(code).__name__ for code in Code} == NAMES


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_tree(cls: type[TwirpError]) -> None:
    assert cls.__base__ is (Exception if cls is TwirpError else PARENTS.get(cls.__name__, TwirpError))
    assert getattr(twirpkit, cls.__name__) is cls
    assert cls.__name__ in errors.__all__
    assert cls.__doc__


def test_every_class_is_known_here() -> None:
    assert {cls.__name__ for cls in CLASSES} == {*NAMES.values(), *PARENTS, "TwirpError", "AuthError"}


def test_public_names_are_sorted_and_there() -> None:
    for module in (errors, twirpkit):
        assert [name for name in module.__all__ if not hasattr(module, name)] == []
        assert len(set(module.__all__)) == len(module.__all__)


def test_defaults() -> None:
    error = TwirpError(Code.NOT_FOUND, "no such room")

    assert (error.code, error.message, error.meta) == (Code.NOT_FOUND, "no such room", {})
    assert (error.status, error.attempts, error.request_id, error.rpc, error.url) == (None, 0, None, "", None)
    assert error.sent == "maybe"  # nobody says that the request was not executed
    assert not error.retryable
    assert error.args == (Code.NOT_FOUND, "no such room")


def test_what_is_given_is_kept() -> None:
    meta = {"a": "b"}

    facts: Any = {"status": 409, "attempts": 2, "sent": "yes", "request_id": "id", "rpc": "a.B/C", "url": "https://h"}

    error = TwirpError(Code.ABORTED, "m", meta=meta, retryable=True, **facts)

    assert vars(error) == {
        "code": Code.ABORTED,
        "message": "m",
        "meta": {"a": "b"},
        "retryable": True,
        **facts,
    }
    assert error.meta is not meta


def test_a_code_may_be_its_text() -> None:
    assert TwirpError("not_found", "m").code is Code.NOT_FOUND  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dataloss"):
        TwirpError("dataloss", "m")  # type: ignore[arg-type]


def test_made_by_keywords_it_is_the_same() -> None:
    error = errors.AbortedError(code=Code.ABORTED, message="m", status=409)

    assert error.args == (Code.ABORTED, "m")
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


def test_how_it_shows() -> None:
    error = errors.NotFoundError(Code.NOT_FOUND, "no 'such' room", status=404, sent="yes")

    assert str(error) == "not_found: no 'such' room"
    error.rpc, error.request_id = "acme.Hats/Press", "id-1"
    assert str(error) == "acme.Hats/Press: not_found: no 'such' room (request id id-1)"
    assert repr(error) == "NotFoundError('not_found', \"no 'such' room\", status=404, sent='yes')"
    assert repr(TwirpError(Code.INTERNAL, "m")) == "TwirpError('internal', 'm', status=None, sent='maybe')"


@pytest.mark.parametrize(("length", "shown"), [(0, ""), (511, "x" * 511), (512, "x" * 512), (513, "x" * 512 + "…")])
def test_a_long_message_is_cut_where_it_is_shown(length: int, shown: str) -> None:
    error = TwirpError(Code.INTERNAL, "x" * length)

    assert str(error) == f"internal: {shown}"
    assert repr(error) == f"TwirpError('internal', '{shown}', status=None, sent='maybe')"
    assert len(error.message) == length


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle-{n}": (lambda error, n=n: pickle.loads(pickle.dumps(error, n))) for n in range(6)},
}
CAUSES = [
    None,
    OSError("plain"),
    ConnectionRefusedError(111, "refused"),
    TimeoutError(110, "late"),
    socket.gaierror(-2, "no such name"),
    ssl.SSLError(1, "handshake"),
    ssl.SSLCertVerificationError(1, "expired"),
]


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_survives(cls: type[TwirpError], copied: Callable[[Any], Any]) -> None:
    facts: Any = {"meta": {"a": "b"}, "status": 404, "attempts": 3, "sent": "yes", "request_id": "id"}
    facts |= {"rpc": "acme.Hats/Press", "url": "https://h/twirp/acme.Hats/Press", "retryable": True}
    code = cls.default_code or Code.NOT_FOUND
    for cause in CAUSES:
        error = cls(code, "no such room", **facts)
        error.__cause__ = cause

        again = copied(error)

        assert type(again) is cls
        assert again is not error
        assert vars(again) == {"code": code, "message": "no such room", **facts}
        assert again.code is code
        assert (again.args, str(again), repr(again)) == (error.args, str(error), repr(error))
        assert type(again.__cause__) is type(cause)
        assert getattr(again.__cause__, "args", None) == getattr(cause, "args", None)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_error_that_is_rebuilt_from_its_args_does_not_say_that_nothing_was_sent(cls: type[TwirpError]) -> None:
    """Celery's JSON backend and some loggers keep the class and `args` alone."""
    error = cls(cls.default_code or Code.NOT_FOUND, "no such room", status=404, sent="yes", request_id="id")

    again = cls(*error.args)

    assert (again.code, again.message, again.sent) == (error.code, error.message, "maybe")


def test_an_error_that_is_rebuilt_from_json_is_equal_in_code_and_message() -> None:
    error = errors.NotFoundError("no such room", status=404, sent="no")

    again = errors.NotFoundError(*json.loads(json.dumps(error.args)))

    assert (again.code, again.message, again.sent) == (Code.NOT_FOUND, "no such room", "maybe")
    assert type(again.code) is Code


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls.default_code is not None], ids=lambda cls: cls.__name__)
def test_a_class_of_one_code_knows_it(cls: type[TwirpError]) -> None:
    assert cls.default_code is not None
    other = Code.ABORTED if cls.default_code is not Code.ABORTED else Code.INTERNAL

    error = cls("gone")

    assert (error.code, error.message, error.args) == (cls.default_code, "gone", (cls.default_code, "gone"))
    with pytest.raises(
        ValueError, match=f"{cls.__name__} stands for the code {cls.default_code.value!r}, not {other.value!r}"
    ):
        cls(other, "gone")


@pytest.mark.parametrize("cls", [TwirpError, errors.AuthError])
def test_a_class_of_several_codes_needs_one(cls: type[TwirpError]) -> None:
    with pytest.raises(TypeError, match=f"{cls.__name__} needs a code and a message"):
        cls("gone")


@pytest.mark.parametrize("arguments", [(5,), (b"gone",), (Code.NOT_FOUND, 5), (Code.NOT_FOUND, ["gone"])])
def test_a_message_is_a_text(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"^NotFoundError: the message must be a str, not (int|bytes|list)$"):
        errors.NotFoundError(*arguments)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("\x1b[31mred\x00\x7f\x9b", r"\x1b[31mred\x00\x7f\x9b"),
        ("a\u202eb\u2066c\u2028d\u200fe", r"a\u202eb\u2066c\u2028d\u200fe"),
        ("größer als 5 € 😀", "größer als 5 € 😀"),
    ],
)
def test_control_characters_of_a_server_do_not_reach_a_log(message: str, shown: str) -> None:
    error = errors.NotFoundError(message)

    assert str(error) == f"not_found: {shown}"
    assert str(error).isprintable()
    assert repr(error).isprintable()
    assert error.message == message


def test_a_deep_copy_has_a_meta_of_its_own() -> None:
    error = TwirpError(Code.INTERNAL, "m", meta={"a": "b"})

    copy.deepcopy(error).meta["a"] = "changed"

    assert error.meta == {"a": "b"}


def test_notes_and_attributes_of_the_user_survive() -> None:
    error = TwirpError(Code.INTERNAL, "m")
    error.add_note("while closing the week")
    error.tenant = "acme"  # type: ignore[attr-defined]

    again = pickle.loads(pickle.dumps(error))

    assert again.__notes__ == ["while closing the week"]
    assert again.tenant == "acme"


class LibraryError(OSError):
    """Stands for requests' errors, which are OSErrors that carry the request with its headers."""


@pytest.mark.parametrize("cause", [LibraryError("canary"), ValueError("canary"), KeyError("canary")])
def test_other_causes_do_not_travel(cause: Exception) -> None:
    error = TwirpError(Code.INTERNAL, "m")
    error.__cause__ = cause

    assert b"canary" not in pickle.dumps(error)
    assert pickle.loads(pickle.dumps(error)).__cause__ is None
    assert error.__cause__ is cause


def refuse() -> None:
    raise errors.NotFoundError(Code.NOT_FOUND, "no such room", meta={"a": "b"}, status=404, sent="maybe", attempts=2)


def test_crosses_a_process_pool() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        error = pool.submit(refuse).exception()

    assert isinstance(error, errors.NotFoundError)
    assert (error.meta, error.status, error.sent, error.attempts) == ({"a": "b"}, 404, "maybe", 2)


def test_what_sent_may_be() -> None:
    assert get_args(errors.Sent) == ("no", "maybe", "yes")


def test_codes_are_their_texts() -> None:
    assert Code("bad_route") is Code.BAD_ROUTE
    assert f"{Code.BAD_ROUTE}" == "bad_route"
    assert sorted(Code) == sorted(NAMES)
