"""Pages of the reference, rendered from the model: one a service and one a proto file, in Markdown."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import jinja2

from twirpkit_codegen.render import markdown, templating
from twirpkit_codegen.render.method_docs import policy_lines
from twirpkit_codegen.schema import comments
from twirpkit_codegen.schema.message_model import Enum, Field, File, Message, TypeRef
from twirpkit_codegen.schema.model import Api

__all__ = ["pages"]


@dataclass(frozen=True, slots=True)
class _Type:
    """A message or an enum on the page of its file."""

    name: str
    full_name: str
    message: Message | None
    enum: Enum | None


def pages(api: Api) -> dict[str, str]:
    """Return every page by its path under the reference's folder: index, services, and the types that they use."""
    return dict(_Pages(api).files())


class _Pages:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.types = {each.full_name: each for file in api.files for each in _types(file.messages, file.enums, "")}
        self.used = self._used()

    def files(self) -> Iterator[tuple[str, str]]:
        api = self.api
        yield "README.md", self.page("reference_index.md.j2", "", files=[file for file in api.files if self.on(file)])
        for service in api.services:
            yield f"{service.attribute}.md", self.page("reference.md.j2", "", service=service)
        for file in api.files:
            if types := self.on(file):
                yield f"types/{file.module}.md", self.page("reference_types.md.j2", "../", file=file, types=types)

    def page(self, template: str, root: str, **values: object) -> str:
        """Render one page; `root` is the relative path from it to the reference's folder."""
        link = functools.partial(self.link, root)
        field_type = functools.partial(self.field_type, root)
        made = _environment().get_template(template)
        return made.render(
            api=self.api, package=self.api.package, link=link, field_type=field_type, pages=self, **values
        )

    def on(self, file: File) -> list[_Type]:
        """Return the types of a file that have a place on its page."""
        return [each for each in _types(file.messages, file.enums, "") if each.full_name in self.used]

    def message(self, ref: TypeRef) -> Message | None:
        """Return the message of a type, or None if it is not one of the SDK's."""
        return self.types[ref.full_name].message if ref.full_name in self.types else None

    def link(self, root: str, ref: TypeRef) -> str:
        """Return the name of a type as a link to its place."""
        if ref.full_name not in self.types:
            return f"`{ref.full_name or ref.name}`"
        return f"[`{ref.name}`]({root}types/{ref.module}.md#{ref.full_name})"

    def field_type(self, root: str, field: Field) -> str:
        """Return the type of a field in words."""
        item = self.link(root, field.type)
        if field.map_key is not None:
            return f"map from `{field.map_key.name}` to {item}"
        return f"list of {item}" if field.repeated else item

    def _used(self) -> frozenset[str]:
        """Return the full names of types that requests and responses can contain."""
        methods = [method for service in self.api.services for method in service.methods]
        pending = [ref.full_name for method in methods for ref in (method.request, method.response)]
        found: set[str] = set()
        while pending:
            name = pending.pop()
            if name in self.types and name not in found:
                found.add(name)
                message = self.types[name].message
                pending += [field.type.full_name for field in message.fields] if message is not None else []
        return frozenset(found)


def _types(messages: tuple[Message, ...], enums: tuple[Enum, ...], outer: str) -> Iterator[_Type]:
    for message in messages:
        yield _Type(message.qualname, message.full_name, message, None)
        yield from _types(message.messages, message.enums, f"{message.qualname}.")
    for enum in enums:
        yield _Type(f"{outer}{enum.py_name}", enum.full_name, None, enum)


@functools.cache
def _environment() -> jinja2.Environment:
    return templating.environment(
        mark=templating.MARK,
        cell=markdown.cell,
        text=markdown.text,
        paragraphs=markdown.paragraphs,
        policy_lines=policy_lines,
        deprecation_message=comments.deprecation_message,
    )
