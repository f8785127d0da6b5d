"""Python names from proto names, and the names that are refused.

* An RPC becomes a method in snake case. Words are split at capitals; an acronym of the manifest is one word.
* A Python keyword gets an underscore at its end: ``from_``, ``None_``. The runtime does the same.
* The name of a builtin (``list``, ``bytes``) stays; code that needs the builtin there names it by its module.
* A name that starts with two underscores is refused: such names have a meaning in Python.
* A name that two things would have is refused, and so is one that generated classes have themselves.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from typing import Final

from twirpkit_codegen.errors import GenerationError, Location

__all__ = [
    "ENUM_NAMES",
    "ERROR_NAMES",
    "FACADE_NAMES",
    "INT_NAMES",
    "JSON_NAMES",
    "MESSAGE_NAMES",
    "MODULE_NAMES",
    "OPTION_NAMES",
    "PACKAGE_NAMES",
    "PAGE_NAMES",
    "SERVER_NAMES",
    "SERVICE_NAMES",
    "check_free",
    "check_unique",
    "constant_name",
    "dict_name",
    "escape_keyword",
    "is_public",
    "iterator_name",
    "literal_name",
    "module_name",
    "python_name",
    "snake_case",
]

OPTION_NAMES: Final = frozenset(("self", "timeout", "retry", "extra_headers"))
"""Parameters of every generated method. A request field with such a name is given by message or mapping."""

SERVICE_NAMES: Final = frozenset(("with_options",))
"""Members of every service, which no RPC's method may be called."""

FACADE_NAMES: Final = frozenset(("aclose", "api", "call", "close", "package", "with_options"))
"""Members of every facade and modules of its folder, which no service's attribute may be called."""

PAGE_NAMES: Final = frozenset(("README", "readme"))
"""The index page of the reference, also on a file system without case. No service's attribute may be called so."""

PACKAGE_NAMES: Final = frozenset(
    (
        "TYPE_CHECKING",
        "annotations",
        "grants",
        "messages",
        "server",
        "testing",
        "types",
        "_EXPORTS",
        "_async",
        "_bound",
        "_help",
        "_methods",
        "_sdk",
        "_sync",
    )
)
"""Names of every package. A message with such a name is not exported and is imported from its module."""

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
"""Names of `twirpkit.errors` that every package exports. The generator does not import the runtime; a test compares."""

SERVER_NAMES: Final = frozenset(("RequestContext", "TwirpApp", "bind"))
"""Names of `twirpkit.server` that the module ``server`` of every package exports."""

MODULE_NAMES: Final = frozenset(("DESCRIPTOR",))
"""Names of every module of messages, which no message or enum at its top level may have."""

ENUM_NAMES: Final = frozenset(("DESCRIPTOR", "_names", "_numbers"))
"""Members of every enum class, which no value may be called."""

JSON_NAMES: Final = frozenset(("from_dict", "from_json", "to_dict", "to_json"))
"""Functions of `twirpkit` that every package exports beside the errors."""

INT_NAMES: Final = frozenset(
    (
        "ValueType",
        "as_integer_ratio",
        "bit_count",
        "bit_length",
        "conjugate",
        "denominator",
        "from_bytes",
        "imag",
        "is_integer",
        "numerator",
        "real",
        "to_bytes",
    )
)
"""Members of every member of an enum, which is an int. A value with such a name is left out of the stub."""

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
"""Members of protobuf's message classes. A field with such a name is left out of the stub, but is sent and received. A
nested message or enum may not have one."""

_PROTO_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METHODS: Final = "METHODS"


def snake_case(name: str, acronyms: Iterable[str], location: Location) -> str:
    """Return the name in snake case: ``DialWhatsAppCall`` with the acronym ``WhatsApp`` is ``dial_whatsapp_call``."""
    longest_first = sorted((re.escape(each) for each in acronyms), key=lambda each: (-len(each), each))
    # An acronym ends where the next word begins: "SIP" is not the start of "Sipping".
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
        raise GenerationError.at(location, f"{name!r} does not give a public Python name: rename it in the proto")
    return python_name(made, location)


def python_name(name: str, location: Location) -> str:
    """Return a proto name as a Python name. Raises GenerationError if it is not one, or starts with two underscores."""
    if not _PROTO_NAME.fullmatch(name):
        raise GenerationError.at(location, f"{name!r} is not a name: it may have ASCII letters, digits and '_'")
    if name.startswith("__"):
        raise GenerationError.at(
            location, f"{name!r} starts with two underscores, which have a meaning in Python: rename it"
        )
    return escape_keyword(name)


def escape_keyword(name: str) -> str:
    """Add an underscore to the end of a Python keyword."""
    return f"{name}_" if keyword.iskeyword(name) else name


def is_public(name: str) -> bool:
    """Return True for a public Python name."""
    return bool(_PROTO_NAME.fullmatch(name)) and not name.startswith("_") and not keyword.iskeyword(name)


def constant_name(method: str) -> str:
    """Return the name of a method's constant: ``CREATE_ROOM`` for ``create_room``. ``METHODS`` is the tuple of all."""
    made = method.rstrip("_").upper()
    return f"{made}_" if made == _METHODS else made


def iterator_name(method: str) -> str:
    """Return the name of a method's iterator: ``iter_hats`` for ``list_hats``, ``iter_search`` for ``search``."""
    return f"iter_{method.removeprefix('list_').rstrip('_')}"


def module_name(file: str, location: Location) -> str:
    """Return the module of a proto file under ``messages``: ``logger.options`` for ``logger/options.proto``."""
    parts = file.removesuffix(".proto").split("/")
    if not all(_PROTO_NAME.fullmatch(part) and not part.startswith("__") for part in parts):
        raise GenerationError.at(location, "the path has more than letters, digits, '_' and '/': rename the file")
    return ".".join(escape_keyword(part) for part in parts)


def dict_name(qualname: str) -> str:
    """Return the name of a message's `TypedDict`: ``Outer_InnerDict`` for ``Outer.Inner``."""
    return f"{qualname.replace('.', '_')}Dict"


def literal_name(qualname: str) -> str:
    """Return the name of the type of an enum's names: ``DataPacket_KindName`` for ``DataPacket.Kind``."""
    return f"{qualname.replace('.', '_')}Name"


def check_free(name: str, taken: Iterable[str], owner: str, location: Location, advice: str = "rename it") -> None:
    """Raise GenerationError for a name in `taken`; `owner` says whose names they are."""
    if name in taken:
        raise GenerationError.at(location, f"{name!r} is already a name of {owner}: {advice}")


def check_unique(names: Iterable[tuple[str, str, Location]], advice: str = "rename one") -> None:
    """Raise GenerationError for two things with one Python name. Items are Python name, proto name and place."""
    seen: dict[str, tuple[str, Location]] = {}
    for made, original, location in names:
        if made in seen:
            other, there = seen[made]
            raise GenerationError.at(
                location, f"{original} and {other} ({there}) are both {made!r} in Python: {advice}"
            )
        seen[made] = (original, location)
