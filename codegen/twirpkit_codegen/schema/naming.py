"""Python names from proto names.

* An RPC becomes a method in snake case. Words are split at capitals; an acronym of the manifest is one word.
* A Python keyword gets an underscore at its end: ``from_``, ``None_``. The runtime does the same.
* A name that starts with two underscores, which have a meaning in Python, loses them and gets one at its end:
  ``__x`` is ``x_``.
* A name that is taken gets underscores at its end until it is free. What keeps its proto name comes first, the rest
  in the order of the proto.
* The name of a builtin (``list``, ``bytes``) stays; code that needs the builtin there names it by its module.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Final

from twirpkit_codegen.errors import GenerationError, Location

__all__ = [
    "assign",
    "check_free",
    "check_unique",
    "constant_name",
    "dict_name",
    "escape",
    "free_name",
    "is_public",
    "is_suspicious",
    "iterator_name",
    "literal_name",
    "module_names",
    "public_name",
    "snake_case",
]

_PROTO_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METHODS: Final = "METHODS"
_POOL: Final = "POOL"
"""The name in the package of messages that no module may take."""
_WORDS: Final = (
    *("GitHub", "GitLab", "GraphQL", "IPv4", "IPv6", "OAuth", "OAuth1", "OAuth2", "WebRTC", "gRPC", "iOS", "macOS"),
    *("K8s", "IaaS", "PaaS", "SaaS"),
)
"""Words that stay together without being named in a manifest, as do plurals of acronyms (``APIs``)."""


def snake_case(name: str, acronyms: Iterable[str]) -> str:
    """Return a proto name in snake case: ``DialWhatsAppCall`` with the acronym ``WhatsApp`` is ``dial_whatsapp_call``.

    It may be empty, or begin with a digit: see `public_name`.
    """
    known = {*acronyms, *_WORDS}
    longest_first = sorted((re.escape(each) for each in known), key=lambda each: (-len(each), each))
    # An acronym ends where the next word begins: "SIP" is not the start of "Sipping".
    whole = [rf"{each}(?=[A-Z0-9_]|$)" for each in longest_first]
    # A word also ends before one that begins with a small letter, "GetiOSApp", but not if all of it is small: "Gossip".
    small = [each for each, word in zip(whole, longest_first, strict=True) if re.match("[a-z].*[A-Z]", word)]
    words = re.compile(
        rf"{'|'.join(whole)}|[A-Z]?[a-z]+?(?={'|'.join(small)})"
        r"|[A-Z]{2,}s(?=[A-Z0-9_]|$)|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+"
    )
    parts: list[str] = []
    for part in name.split("_"):
        for word in words.findall(part):
            # A digit belongs to the word before it: "Get2" is get2, "V1Room" is v1_room.
            if word.isdigit() and parts:
                parts[-1] += word
            else:
                parts.append(word.lower())
    return "_".join(parts)


def is_suspicious(snake: str) -> bool:
    """Return True for a name in snake case that looks as if a word was cut in two: it has a single letter within."""
    return any(len(word) == 1 and word.isalpha() for word in snake.rstrip("_").split("_")[1:-1])


def escape(name: str) -> str:
    """Return a proto name as a Python name, before clashes."""
    if name.startswith("__"):
        bare = name.lstrip("_") or "name"
        name = f"_{bare}_" if bare[0].isdigit() else f"{bare}_"
    return f"{name}_" if keyword.iskeyword(name) else name


def public_name(name: str) -> str:
    """Return a name that Python users may see: ``_hidden`` is ``hidden_``, ``__`` is ``name_``."""
    if name.startswith("_") or not name:
        name = f"{name.strip('_') or 'name'}_"
    return escape(f"n{name}" if name[0].isdigit() else name)


def is_public(name: str) -> bool:
    """Return True for a public Python name."""
    return bool(_PROTO_NAME.fullmatch(name)) and not name.startswith("_") and not keyword.iskeyword(name)


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name with as many underscores at its end as make it free."""
    found = set(taken)
    while name in found:
        name += "_"
    return name


def assign(wanted: Mapping[str, str], natural: Iterable[str] = (), taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a Python name for each key, so that no two are the same.

    Args:
        wanted: The wanted name by key, in the order of the proto.
        natural: Keys that have the first right to their name.
        taken: Names that none may have.
    """
    used, made = set(taken), {}
    first = [key for key in natural if key in wanted]
    for key in dict.fromkeys([*first, *wanted]):
        made[key] = free_name(wanted[key], used)
        used.add(made[key])
    return {key: made[key] for key in wanted}


def constant_name(method: str, taken: Iterable[str]) -> str:
    """Return the name of a method's constant: ``CREATE_ROOM`` for ``create_room``. ``METHODS`` is the tuple of all."""
    return free_name(method.rstrip("_").upper(), {_METHODS, *taken})


def iterator_name(method: str) -> str:
    """Return the name of a method's iterator: ``iter_hats`` for ``list_hats``, ``iter_search`` for ``search``."""
    return f"iter_{method.removeprefix('list_').rstrip('_')}"


def module_names(files: Iterable[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """Return the modules of proto files under ``messages``: ``logger.options`` for ``logger/options.proto``.

    As in protoc's Python plugin, a hyphen becomes an underscore and a dot a folder; so does everything else that cannot
    be in a name become an underscore. Names that differ only in case are a clash, because some file systems say so.
    """
    wanted = {file: renamed.get(file) or _module(file) for file in files}
    folders = {
        module.rpartition(".")[0][:end].casefold()
        for module in wanted.values()
        for end in _ends(module.rpartition(".")[0])
    }
    natural = [*renamed, *(file for file in wanted if wanted[file] == file.removesuffix(".proto").replace("/", "."))]
    used, made = {*folders}, {}
    for file in dict.fromkeys([*natural, *wanted]):
        module = wanted[file]
        while module.casefold() in used:
            module += "_"
        used.add(module.casefold())
        made[file] = module
    return {file: made[file] for file in wanted}


def _ends(folder: str) -> list[int]:
    """Return the lengths of a dotted folder and of those around it."""
    return [at for at, character in enumerate(f"{folder}.") if character == "." and at]


def _module(file: str) -> str:
    parts = [_segment(part) for part in re.split(r"[/.]", file.removesuffix(".proto"))]
    if parts[0] == _POOL:
        parts[0] = f"{_POOL}_"
    return ".".join(parts)


def _segment(part: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", part) or "_"
    return escape(f"_{name}" if name[0].isdigit() else name)


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
    """Raise GenerationError for things with one Python name. Items are Python name, proto name and place."""
    seen: dict[str, tuple[str, Location]] = {}
    errors = []
    for made, original, location in names:
        if made in seen:
            other, there = seen[made]
            text = f"{original} and {other} ({there}) are both {made!r} in Python: {advice}"
            errors.append(GenerationError.at(location, text))
        else:
            seen[made] = (original, location)
    if errors:
        raise GenerationError.of(errors)
