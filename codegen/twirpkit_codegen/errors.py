"""The one error of the generator: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

__all__ = ["GenerationError", "Location", "collect"]

T = TypeVar("T")


class Location:
    """A place in an input file, as `protos/hats.proto:12`."""

    __slots__ = ("file", "line")

    def __init__(self, file: str, line: int | None = None) -> None:
        self.file = file
        self.line = line

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class GenerationError(Exception):
    """The input cannot be generated from. Nothing has been written.

    Args:
        problems: One line each, beginning with the place.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))

    @classmethod
    def at(cls, location: Location, text: str) -> GenerationError:
        """One problem at one place."""
        return cls(f"{location}: {text}")

    @classmethod
    def of(cls, errors: Sequence[GenerationError]) -> GenerationError:
        """Several errors as one, so that a run tells all it knows."""
        return cls(*(str(error) for error in errors))


def collect(makers: Iterable[Callable[[], T]]) -> list[T]:
    """What each of these makes, or the errors of all of them at once."""
    made: list[T] = []
    errors: list[GenerationError] = []
    for make in makers:
        try:
            made.append(make())
        except GenerationError as error:
            errors.append(error)
    if errors:
        raise GenerationError.of(errors)
    return made
