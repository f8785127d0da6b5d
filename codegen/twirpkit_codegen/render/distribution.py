"""The files of a distribution around a generated package: pyproject, readme and notice."""

from __future__ import annotations

import functools
import json
from typing import Any, Final

import jinja2

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.render import templating
from twirpkit_codegen.schema.model import Api
from twirpkit_codegen.version import GENERATOR

__all__ = ["files"]

_TEMPLATES: Final = {"pyproject.toml": "pyproject.toml.j2", "README.md": "project_readme.md.j2", "NOTICE": "notice.j2"}


def files(api: Api) -> dict[str, str]:
    """Return the files by their paths under the output folder.

    Raises:
        GenerationError: The manifest has no ``[project]``.
    """
    if api.package.project is None:
        raise GenerationError("--project needs a table [project] with name and version in the manifest")
    return {
        path: _environment().get_template(template).render(api=api, package=api.package, project=api.package.project)
        for path, template in _TEMPLATES.items()
    }


def _toml(value: Any) -> str:
    """Return a string or a list of strings as TOML."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


@functools.cache
def _environment() -> jinja2.Environment:
    made = templating.environment(mark=templating.MARK, generator=GENERATOR)
    made.filters |= {"toml": _toml}
    return made
