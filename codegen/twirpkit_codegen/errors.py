"""Faults of the input, places in it, and the collection of all faults of one run."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

__all__ = ["GenerationError", "Location", "Problems", "suggestion", "text_of"]

_TRACEBACK: Final = "TWIRPKIT_TRACEBACK"
"""The environment variable that lets errors of the generator itself through."""

T = TypeVar("T")
D = TypeVar("D")


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
        places: The places that the lines begin with, as far as they are known.
        advice: Lines to paste into the manifest, by the header of their table; shown after all problems.
    """

    def __init__(
        self,
        *problems: str,
        places: Sequence[Location | None] = (),
        advice: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.problems = problems
        self.places = tuple(places) or (None,) * len(problems)
        self.advice = advice
        super().__init__("\n".join(problems) + "".join(f"\n\n{self._block(header)}" for header in advice))

    def _block(self, header: str) -> str:
        return "\n".join([header, *self.advice[header]])

    @classmethod
    def at(cls, location: Location, text: str) -> GenerationError:
        """Return an error with one problem at one place."""
        return cls(f"{location}: {text}", places=(location,))

    @classmethod
    def of(cls, errors: Sequence[GenerationError]) -> GenerationError:
        """Return several errors as one, so that a run reports all of them, each once and in the order of files."""
        lines = {line: place for error in errors for line, place in zip(error.problems, error.places, strict=True)}
        advice: dict[str, list[str]] = {}
        for error in errors:
            for header, rows in error.advice.items():
                known = advice.setdefault(header, [])
                known += [row for row in rows if row not in known]
        ordered = sorted(lines, key=lambda line: _order(lines[line]))
        return cls(*ordered, places=[lines[line] for line in ordered], advice=advice)


def _order(place: Location | None) -> tuple[bool, bool, str, int]:
    """Return a key that sorts protos before manifests, and lines of one file by number."""
    if place is None:
        return False, False, "", 0
    return True, place.file.endswith(".toml"), place.file, place.line or 0


class Problems:
    """The errors of one run. Work goes on after each, so that the run reports all that can be found."""

    def __init__(self) -> None:
        self.found: list[GenerationError] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, location: Location, text: str) -> None:
        """Add an error at one place."""
        self.found.append(GenerationError.at(location, text))

    def attempt(self, make: Callable[[], T], default: D) -> T | D:
        """Return the result of a function; if it raises GenerationError, keep the error and return the default."""
        try:
            return make()
        except GenerationError as error:
            self.found.append(error)
            return default

    def attempt_all(self, makers: Iterable[Callable[[], T]]) -> list[T]:
        """Return the results of all functions that raise no GenerationError, and keep the errors of the others."""
        made: list[T] = []
        for make in makers:
            try:
                made.append(make())
            except GenerationError as error:
                self.found.append(error)
        return made

    def raise_all(self) -> None:
        """Raise the errors as one, if there are any."""
        if self.found:
            raise GenerationError.of(self.found)


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the end of an error text about an unknown name: the closest one, or what to do if none is close."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else otherwise


def text_of(error: Exception) -> str:
    """Return the text of an error that ends a run, which users see in place of a traceback.

    Raises:
        Exception: It is not one of the input, and ``TWIRPKIT_TRACEBACK`` is set.
    """
    if isinstance(error, GenerationError):
        return str(error)
    if os.environ.get(_TRACEBACK):
        raise error
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}: this is a bug of twirpkit; {_TRACEBACK}=1 shows where"
