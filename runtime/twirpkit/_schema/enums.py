"""Enum classes: ints with names, where a number that the schema does not know stays what it is."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Self, TypeVar, cast

from google.protobuf.descriptor import EnumDescriptor

from twirpkit._schema.names import Names, safe_name, top_name
from twirpkit._suggestion import suggestion

__all__ = ["Enum", "EnumFacts", "EnumType", "enum_class", "enum_facts", "suggested_name"]

E = TypeVar("E")


def _members(cls: Any) -> Mapping[str, Any]:
    """Return the members of an enum class by proto name, in the schema's order."""
    members: Mapping[str, Any] = cls._numbers
    return members


class EnumType(type):
    """The methods of an enum class. They stand on its type, so that a member may have any name."""

    DESCRIPTOR: EnumDescriptor
    _numbers: Mapping[str, Any]
    _names: Mapping[int, str]
    _attributes: Mapping[str, str]

    def Name(cls, number: int) -> str:
        """Return the proto name of a number; of one that the schema does not know, its digits.

        Raises:
            TypeError: It is not an int.
        """
        return cls._names.get(operator.index(number)) or str(int(number))

    def Value(self: type[E], name: str) -> E:
        """Return the member with a proto name.

        Raises:
            ValueError: The schema does not have it; the text has the closest name.
        """
        found: E | None = _members(self).get(name)
        if found is None:
            raise ValueError(f"{self.__qualname__} has no value {name!r}{suggested_name(str(name), _members(self))}")
        return found

    def keys(cls) -> list[str]:
        """Return the proto names, in the schema's order."""
        return list(cls._numbers)

    def values(self: type[E]) -> list[E]:
        """Return the members, in the schema's order; one with two names is there twice."""
        return list(_members(self).values())

    def items(self: type[E]) -> list[tuple[str, E]]:
        """Return pairs of name and member, in the schema's order."""
        return list(_members(self).items())

    def members(self: type[E]) -> dict[str, E]:
        """Return the members by Python name, in the schema's order."""
        names: Any = self
        return {names._attributes[name]: member for name, member in _members(self).items()}

    def __iter__(self: type[E]) -> Iterator[E]:
        return iter(dict.fromkeys(_members(self).values()))

    def __len__(cls) -> int:
        return len(cls._names)

    def __bool__(cls) -> bool:
        return True  # an enum without values is a class nevertheless

    def __contains__(cls, number: object) -> bool:
        return isinstance(number, int) and number in cls._names

    def __getitem__(self: type[E], name: str) -> E:
        try:
            found: E = _members(self)[name]
            return found
        except KeyError:
            problem = f"{self.__qualname__} has no value {name!r}{suggested_name(name, _members(self))}"
        raise KeyError(problem)


class Enum(int, metaclass=EnumType):
    """Base of all enum classes. A member is an int that prints its name.

    ``Kind(3)`` converts a number, also one that the schema does not know, and ``Kind["SIP"]`` a name. Fields of
    messages hold plain ints, which equal the members.
    """

    _numbers: ClassVar[Mapping[str, Any]] = {}
    _names: ClassVar[Mapping[int, str]] = {}
    _attributes: ClassVar[Mapping[str, str]] = {}

    def __new__(cls, number: int, /) -> Self:
        """Return the member of a number; of one that the schema does not know, an int of this class."""
        if isinstance(number, str):
            raise TypeError(f"{cls.__qualname__} takes a number; for a name, write {cls.__qualname__}[{number!r}]")
        name = cls._names.get(operator.index(number))
        if name is None:
            return int.__new__(cls, number)
        member: Self = cls._numbers[name]
        return member

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (int(self),)

    def __repr__(self) -> str:
        cls = type(self)
        name = cls._names.get(int(self))
        return f"{cls.__qualname__}({int(self)})" if name is None else f"{cls.__qualname__}.{cls._attributes[name]}"

    def __str__(self) -> str:
        return type(self).Name(int(self))


def enum_class(descriptor: EnumDescriptor, module: str, outer: str, names: Names) -> EnumType:
    """Return the class of an enum.

    Args:
        descriptor: The enum.
        module: The name of the module that it is defined in.
        outer: The qualified name of the class around it with a dot, or nothing.
        names: Python names by full name, of what does not have the name that `safe_name` gives it.
    """
    name = top_name(descriptor, names)
    cls = EnumType(name, (Enum,), {"__module__": module, "__qualname__": outer + name, "__slots__": ()})
    facts = enum_facts(descriptor)
    members = {number: int.__new__(cast("type[Enum]", cls), number) for number in facts.names}
    cls.DESCRIPTOR = descriptor
    cls._numbers = {name: members[number] for name, number in facts.numbers.items()}
    cls._names = facts.names
    cls._attributes = {each: names.get(f"{descriptor.full_name}.{each}") or safe_name(each) for each in facts.numbers}
    type.__setattr__(cls, "ValueType", cls)  # the type of a member, as mypy-protobuf calls it
    for name, member in cls._numbers.items():
        type.__setattr__(cls, cls._attributes[name], member)
    return cls


class EnumFacts(NamedTuple):
    """Names and numbers of an enum."""

    title: str
    """Its name with the messages around it, ``DataPacket.Kind``."""
    numbers: Mapping[str, int]
    """By proto name, in the schema's order."""
    names: Mapping[int, str]
    """The first name of each number."""


@functools.cache
def enum_facts(descriptor: EnumDescriptor) -> EnumFacts:
    """Return names and numbers of an enum."""
    values = [(value.name, value.number) for value in descriptor.values]
    title = descriptor.full_name.removeprefix(f"{descriptor.file.package}.")
    return EnumFacts(title, dict(values), {number: name for name, number in reversed(values)})


def suggested_name(name: str, known: Iterable[str]) -> str:
    """Return the end of an error text: the name that is closest, whatever its case, or all of them."""
    names = {each.upper(): each for each in known}
    return f"; did you mean {names[name.upper()]!r}?" if name.upper() in names else suggestion(name.upper(), known)
