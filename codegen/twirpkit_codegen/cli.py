"""The commands of `twirpkit`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from twirpkit_codegen import output
from twirpkit_codegen.compare import report
from twirpkit_codegen.compare.changes import changes
from twirpkit_codegen.errors import text_of
from twirpkit_codegen.inputs import Inputs, load, load_version
from twirpkit_codegen.render import distribution, package
from twirpkit_codegen.render import reference as reference_pages
from twirpkit_codegen.render.loading import check_loads
from twirpkit_codegen.schema import build
from twirpkit_codegen.schema.model import Api
from twirpkit_codegen.version import GENERATOR

__all__ = ["main"]

T = TypeVar("T")

_FOLDER = click.Path(path_type=Path, file_okay=False)
_IMPORTS = click.option(
    "-I",
    "--import",
    "imports",
    type=_FOLDER,
    multiple=True,
    help="Folder of .proto files that are only imported; may be repeated. It is added to protos.imports.",
)
_INPUTS = (
    click.argument("manifest_file", metavar="MANIFEST", type=click.Path(path_type=Path)),
    click.option(
        "--protos",
        type=_FOLDER,
        multiple=True,
        help="Folder of the SDK's .proto files; may be repeated. Default: protos.roots, or the manifest's folder.",
    ),
    _IMPORTS,
    click.option(
        "--descriptor-set",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help="FileDescriptorSet with imports in place of files: binary, JSON, text or gzip; - for standard input.",
    ),
)
_OUTPUTS = (
    click.option(
        "--out",
        type=_FOLDER,
        default=Path("generated"),
        show_default=True,
        help="Folder that the package is written to.",
    ),
    click.option(
        "--reference",
        type=_FOLDER,
        help="Folder that the reference is written to, one Markdown page a service. Default: no reference.",
    ),
    click.option(
        "--project",
        is_flag=True,
        help="Also write pyproject.toml, README.md and NOTICE beside the package, from [project] and [upstream].",
    ),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(GENERATOR, prog_name="twirpkit")
def main() -> None:
    """Generate a Python SDK with matching sync and async clients from Twirp services.

    MANIFEST is a TOML file; every .proto file beside it belongs to the SDK.
    """


def _command(*options: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that makes a function a command whose first argument is its input."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def command(
            manifest_file: Path,
            protos: tuple[Path, ...],
            imports: tuple[Path, ...],
            descriptor_set: Path | None,
            **others: Any,
        ) -> None:
            if protos and descriptor_set is not None:
                raise click.UsageError("give --protos or --descriptor-set, not both")
            function(Inputs(manifest_file, protos, imports, descriptor_set), **others)

        command.__doc__ = function.__doc__
        made: Callable[..., None] = command
        for option in reversed((*_INPUTS, *options)):
            made = option(made)
        return main.command(function.__name__)(made)

    return decorate


@_command(*_OUTPUTS)
def generate(inputs: Inputs, out: Path, reference: Path | None, project: bool) -> None:
    """Write the SDK. Unchanged files are left alone and stale ones removed; on an error nothing is written."""
    api = _load(inputs)

    def write() -> list[str]:
        trees = list(_trees(api, out, reference, project))
        for tree in trees:
            output.check_foreign(tree.files, tree.out)
        check_loads(trees[0].files, api.package.name)
        return [path for tree in trees for path in output.write(tree.files, tree.out, tree.package)]

    changed = _or_exit(write)
    for path in changed:
        click.echo(f"  {path}")
    click.echo(f"{api.package.name}: {len(changed)} files changed")


@_command(*_OUTPUTS)
def check(inputs: Inputs, out: Path, reference: Path | None, project: bool) -> None:
    """Compare the SDK on disk with its input. Where they differ, print a unified diff and exit with code 1."""
    api = _load(inputs)
    diff = _or_exit(
        lambda: "".join(
            output.difference(tree.files, tree.out, tree.package) for tree in _trees(api, out, reference, project)
        )
    )
    if diff:
        click.echo(diff, nl=False)
        click.echo(f"{api.package.name} is not up to date: run 'twirpkit generate'", err=True)
        sys.exit(1)
    click.echo(f"{api.package.name} is up to date")


@_command()
def inspect(inputs: Inputs) -> None:
    """Print the model that the templates are rendered with, as JSON."""
    click.echo(build.to_json(_load(inputs)))


@main.command()
@click.argument("old", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("new", type=click.Path(path_type=Path, allow_dash=True))
@_IMPORTS
@click.option("--format", "form", type=click.Choice(list(report.FORMATS)), default="text", show_default=True)
def diff(old: Path, new: Path, imports: tuple[Path, ...], form: str) -> None:
    """Compare two versions of an API: what is new, and what breaks callers.

    OLD and NEW are manifests, folders of .proto files, or descriptor sets. Grants and retry classes are compared where
    both are manifests. The exit code is 1 if something breaks callers, and 2 if an input has errors.
    """
    versions = _or_exit(lambda: [load_version(path, imports) for path in (old, new)], code=2)
    found = changes(*versions)
    click.echo(report.FORMATS[form](found), nl=False)
    sys.exit(any(change.effect == "breaks" for change in found))


@dataclass(frozen=True, slots=True)
class _Tree:
    """Files of one output folder."""

    files: dict[str, str]
    out: Path
    package: str | None = ""
    """As for `output.write`."""


def _trees(api: Api, out: Path, pages: Path | None, project: bool) -> Iterator[_Tree]:
    yield _Tree(package.render(api), out, api.package.name)
    if project:
        yield _Tree(distribution.files(api), out, None)
    if pages is not None:
        yield _Tree(reference_pages.pages(api), pages)


def _load(inputs: Inputs) -> Api:
    api = _or_exit(lambda: load(inputs))
    for remark in api.remarks:
        click.echo(f"note: {remark}", err=True)
    return api


def _or_exit(work: Callable[[], T], code: int = 1) -> T:
    """Return the result of `work`; on an error, print it and exit with a code, without a traceback."""
    try:
        return work()
    except Exception as error:  # the outermost frame: users get a line, and how to see more
        click.echo(text_of(error), err=True)
    sys.exit(code)
