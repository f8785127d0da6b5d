"""The error of the generator, and places in its input."""

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
    """An error in the input. Nothing has been written.

    Args:
        problems: One line for each, which begins with its place and says what to do.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))

    @classmethod
    def at(cls, location: Location, text: str) -> GenerationError:
        """Return an error with one problem at one place."""
        return cls(f"{location}: {text}")

    @classmethod
    def of(cls, errors: Sequence[GenerationError]) -> GenerationError:
        """Return several errors as one, so that a run reports all of them."""
        return cls(*(str(error) for error in errors))


def collect(makers: Iterable[Callable[[], T]]) -> list[T]:
    """Return the results of all functions, or raise the errors of all of them as one."""
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
