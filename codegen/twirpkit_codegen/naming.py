"""Python names from proto names: every rule, and every refusal.

* An RPC becomes a method in snake case. Words are split at capitals; an acronym of the manifest is one word.
* A Python keyword gets an underscore at its end: ``from_``, ``None_``. The runtime does the same (`twirpkit._schema.message_pool`).
* A builtin's name (``list``, ``bytes``) stays; where it would hide the builtin, that is named by its module.
* A name that starts with two underscores is refused: Python would mangle it, or call it.
* A name that two things would have is refused, and so is one that the classes' own machinery needs.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from typing import Final

from twirpkit_codegen.errors import GenerationError, Where

__all__ = [
    "ENUM_NAMES",
    "ERROR_NAMES",
    "FACADE_NAMES",
    "MESSAGE_NAMES",
    "MODULE_NAMES",
    "OPTION_NAMES",
    "PACKAGE_NAMES",
    "PAGE_NAMES",
    "SERVICE_NAMES",
    "check_free",
    "check_unique",
    "constant",
    "dict_name",
    "escaped",
    "is_public",
    "iterator",
    "module_name",
    "safe",
    "snake",
]

OPTION_NAMES: Final = frozenset(("self", "timeout", "retry", "extra_headers"))
"""Keywords that a generated method has of its own: a request field so called is given by message or mapping."""

SERVICE_NAMES: Final = frozenset(("with_options",))
"""What every service has of its own: no RPC's method may be one."""

FACADE_NAMES: Final = frozenset(("aclose", "api", "call", "close", "sdk", "with_options"))
"""What a facade and its folder have of their own: no service's attribute may be one."""

PAGE_NAMES: Final = frozenset(("README", "readme"))
"""The reference's page of its own, also where file names have no case: no service's attribute may be one."""

PACKAGE_NAMES: Final = frozenset(
    (
        "TYPE_CHECKING",
        "annotations",
        "grants",
        "messages",
        "types",
        "_EXPORTS",
        "_async",
        "_bound",
        "_methods",
        "_sdk",
        "_sync",
    )
)
"""What a package has of its own: a message so called is imported from its module."""

ERROR_NAMES: Final = frozenset(
    (
        "AbortedError",
        "AlreadyExistsError",
        "AuthError",
        "BadRouteError",
        "CanceledError",
        "Code",
        "DataLossError",
        "DeadlineExceededError",
        "DecodeError",
        "FailedPreconditionError",
        "InternalError",
        "InvalidArgumentError",
        "MalformedError",
        "NotFoundError",
        "OutOfRangeError",
        "PermissionDeniedError",
        "ResourceExhaustedError",
        "Sent",
        "TransportError",
        "TwirpError",
        "UnauthenticatedError",
        "UnavailableError",
        "UnimplementedError",
        "UnknownError",
        "error_class",
    )
)
"""What every package exports from `twirpkit.errors`. (The generator does not import the runtime; a test compares.)"""

MODULE_NAMES: Final = frozenset(("DESCRIPTOR",))
"""What a module of messages has of its own: no message or enum at its top may be one."""

ENUM_NAMES: Final = frozenset(("DESCRIPTOR", "_names", "_numbers"))
"""What an enum class has of its own: none of its values may be one."""

MESSAGE_NAMES: Final = frozenset(
    (
        "ByteSize",
        "Clear",
        "ClearExtension",
        "ClearField",
        "CopyFrom",
        "DESCRIPTOR",
        "DiscardUnknownFields",
        "Extensions",
        "FindInitializationErrors",
        "FromString",
        "HasExtension",
        "HasField",
        "IsInitialized",
        "ListFields",
        "MergeFrom",
        "MergeFromString",
        "ParseFromString",
        "SerializePartialToString",
        "SerializeToString",
        "SetInParent",
        "UnknownFields",
        "WhichOneof",
    )
)
"""What protobuf's message classes have of their own. A field so called is left out of the stub; it still travels. A
message or enum inside a message may not be one."""

_PROTO_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METHODS: Final = "METHODS"


def snake(name: str, acronyms: Iterable[str], where: Where) -> str:
    """A method's name from an RPC's: ``DialWhatsAppCall`` with the acronym ``WhatsApp`` is ``dial_whatsapp_call``."""
    longest_first = sorted((re.escape(each) for each in acronyms), key=lambda each: (-len(each), each))
    # An acronym ends where the next word begins, so that "SIP" does not take the start of "Sipping".
    known = "|".join(rf"{each}(?=[A-Z0-9_]|$)" for each in longest_first)
    words = re.compile(rf"{known + '|' if known else ''}[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
    parts: list[str] = []
    for part in name.split("_"):
        for word in words.findall(part):
            # A digit belongs to the word before it: "Get2" is get2, "V1Room" is v1_room.
            if word.isdigit() and parts:
                parts[-1] += word
            else:
                parts.append(word.lower())
    made = "_".join(parts)
    if name.startswith("_") or not _PROTO_NAME.fullmatch(name):
        raise GenerationError.at(where, f"{name!r} gives no public Python name: rename it in the proto")
    return safe(made, where)


def safe(name: str, where: Where) -> str:
    """A proto name as a Python name. Raises GenerationError where it starts with two underscores, or is no name."""
    if not _PROTO_NAME.fullmatch(name):
        raise GenerationError.at(where, f"{name!r} is no name: it may hold ASCII letters, digits and '_'")
    if name.startswith("__"):
        raise GenerationError.at(
            where, f"{name!r} starts with two underscores, which mean something to Python: rename it"
        )
    return escaped(name)


def escaped(name: str) -> str:
    """The name, with an underscore at its end if it is a Python keyword."""
    return f"{name}_" if keyword.iskeyword(name) else name


def is_public(name: str) -> bool:
    """Whether a name of the manifest's can name something public in Python."""
    return bool(_PROTO_NAME.fullmatch(name)) and not name.startswith("_") and not keyword.iskeyword(name)


def constant(method: str) -> str:
    """The name of a method's constant: ``create_room`` is ``CREATE_ROOM``; ``METHODS`` is the name of all of them."""
    made = method.rstrip("_").upper()
    return f"{made}_" if made == _METHODS else made


def iterator(method: str) -> str:
    """The name of a method's iterator: ``list_hats`` has ``iter_hats``, ``search_hats`` has ``iter_search_hats``."""
    return f"iter_{method.removeprefix('list_').rstrip('_')}"


def module_name(file: str, where: Where) -> str:
    """The dotted name of a proto file's module under ``messages``: ``logger/options.proto`` is ``logger.options``."""
    parts = file.removesuffix(".proto").split("/")
    if not all(_PROTO_NAME.fullmatch(part) and not part.startswith("__") for part in parts):
        raise GenerationError.at(where, "the path holds more than letters, digits, '_' and '/': rename the file")
    return ".".join(escaped(part) for part in parts)


def dict_name(qualname: str) -> str:
    """The name of a message's `TypedDict`: ``Outer.Inner`` is ``Outer_InnerDict``, ``OuterInner`` is another."""
    return f"{qualname.replace('.', '_')}Dict"


def check_free(name: str, taken: Iterable[str], owner: str, where: Where, advice: str = "rename it") -> None:
    """Refuse a name that its surroundings have of their own."""
    if name in taken:
        raise GenerationError.at(where, f"{name!r} is a name that {owner} has of its own: {advice}")


def check_unique(names: Iterable[tuple[str, str, Where]], advice: str = "rename one") -> None:
    """Refuse two things with one Python name. Items are Python name, proto name and place."""
    seen: dict[str, tuple[str, Where]] = {}
    for made, original, where in names:
        if made in seen:
            other, there = seen[made]
            raise GenerationError.at(where, f"{original} and {other} ({there}) are both {made!r} in Python: {advice}")
        seen[made] = (original, where)
