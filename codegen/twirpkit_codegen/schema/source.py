"""A proto file's descriptor with its comments and line numbers."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from twirpkit_codegen.errors import Location
from twirpkit_codegen.schema import comments
from twirpkit_codegen.schema.message_model import Doc

__all__ = ["Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A proto file's descriptor, and its comments and line numbers by the paths of source info."""

    file: FileDescriptorProto
    comments: dict[tuple[int, ...], str]
    lines: dict[tuple[int, ...], int]

    @classmethod
    def of(cls, file: FileDescriptorProto) -> Source:
        """Read the source info of a file's descriptor."""
        found: dict[tuple[int, ...], str] = {}
        lines: dict[tuple[int, ...], int] = {}
        for location in file.source_code_info.location:
            path = tuple(location.path)
            if location.span:
                lines.setdefault(path, location.span[0] + 1)
            comment = _text(location.leading_comments) or _text(location.trailing_comments)
            if comment.strip():
                found.setdefault(path, comment)
        return cls(file, found, lines)

    def doc(self, *paths: tuple[int, ...]) -> Doc:
        """Return the comment at the first of these paths that has one."""
        return comments.parse(next((self.comments[path] for path in paths if path in self.comments), ""))

    def location(self, path: tuple[int, ...]) -> Location:
        """Return the place of the element at a path."""
        return Location(self.file.name, self.lines.get(path))

    def full_name(self, name: str) -> str:
        """Return the full name of a type of this file."""
        return f"{self.file.package}.{name}" if self.file.package else name


def _text(comment: str | bytes) -> str:
    """Decode a comment. protobuf returns bytes where it is not UTF-8, for example in an old file in Latin-1."""
    return comment.decode("utf-8", "replace") if isinstance(comment, bytes) else comment
