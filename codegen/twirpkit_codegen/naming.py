"""Python names from proto names: every rule, and every refusal.

* An RPC becomes a method in snake case. Words are split at capitals; an acronym of the manifest is one word.
* A Python keyword gets an underscore at its end: ``from_``, ``None_``. The runtime does the same (`twirpkit.messages`).
* A builtin's name (``list``, ``bytes``) stays; where it would hide the builtin, that is named by its module.
* A name that starts with two underscores is refused: Python would mangle it, or call it.
* A name that two things would have is refused.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from twirpkit_codegen.errors import GenerationError, Where

__all__ = ["FACADE_NAMES", "MESSAGE_NAMES", "OPTION_NAMES", "check_unique", "constant", "module_name", "safe", "snake"]

OPTION_NAMES = frozenset(("self", "timeout", "retry", "extra_headers"))
"""Keywords that a generated method has of its own: a request field so called is given by message or mapping."""

FACADE_NAMES = frozenset(("aclose", "call", "close", "sdk", "with_options"))
"""What a facade has of its own: no service's attribute may be one."""

MESSAGE_NAMES = frozenset(
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
"""What protobuf's message classes have of their own. A field so called is left out of the stub; it still travels."""


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
    if name.startswith("_") or not made.isidentifier():
        raise GenerationError.at(where, f"{name!r} gives no public Python name: rename it in the proto")
    return safe(made, where)


def safe(name: str, where: Where) -> str:
    """A proto name as a Python name. Raises GenerationError where it starts with two underscores."""
    if name.startswith("__"):
        raise GenerationError.at(
            where, f"{name!r} starts with two underscores, which mean something to Python: rename it"
        )
    return f"{name}_" if keyword.iskeyword(name) else name


def constant(method: str) -> str:
    """The name of a method's constant: ``create_room`` is ``CREATE_ROOM``."""
    return method.rstrip("_").upper()


def module_name(file: str, where: Where) -> str:
    """The dotted name of a proto file's module under ``messages``: ``logger/options.proto`` is ``logger.options``."""
    parts = file.removesuffix(".proto").split("/")
    if not all(part.isidentifier() and not part.startswith("__") for part in parts):
        raise GenerationError.at(where, "the path holds more than letters, digits, '_' and '/': rename the file")
    return ".".join(safe(part, where) for part in parts)


def check_unique(names: Iterable[tuple[str, str, Where]]) -> None:
    """Refuse two things with one Python name. Items are Python name, proto name and place."""
    seen: dict[str, tuple[str, Where]] = {}
    for made, original, where in names:
        if made in seen:
            other, there = seen[made]
            raise GenerationError.at(where, f"{original} and {other} ({there}) are both {made!r} in Python: rename one")
        seen[made] = (original, where)
