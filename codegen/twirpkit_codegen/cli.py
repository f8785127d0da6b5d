"""The commands `twirpkit generate`, `twirpkit check` and `twirpkit inspect`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from twirpkit_codegen import output
from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.render import package
from twirpkit_codegen.render import reference as reference_pages
from twirpkit_codegen.schema import build, descriptors, manifest
from twirpkit_codegen.schema.model import Api

__all__ = ["main"]

T = TypeVar("T")

_MANIFEST = click.argument("manifest_file", metavar="MANIFEST", type=click.Path(path_type=Path))
_OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("generated"),
    show_default=True,
    help="Folder that the package is written to.",
)
_REFERENCE = click.option(
    "--reference",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that the reference is written to, one Markdown page a service. Default: no reference.",
)
_PROTOS = click.option(
    "--protos",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Import root of the .proto files. Default: the manifest's folder.",
)
_SET = click.option(
    "--descriptor-set",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Serialized FileDescriptorSet with imports, in place of .proto files.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Generate a Python SDK with matching sync and async clients from Twirp services.

    MANIFEST is a TOML file; every .proto file beside it belongs to the SDK.
    """


def _command(function: Callable[..., None]) -> Callable[..., None]:
    for decorate in (_SET, _PROTOS, _MANIFEST):
        function = decorate(function)
    return main.command()(function)


@_command
@_OUT
@_REFERENCE
def generate(
    manifest_file: Path, protos: Path | None, descriptor_set: Path | None, out: Path, reference: Path | None
) -> None:
    """Write the SDK. Unchanged files are left alone and stale ones removed; on an error nothing is written."""
    api = _load(manifest_file, protos, descriptor_set)

    def write() -> list[str]:
        trees = list(_trees(api, out, reference))
        for tree in trees:
            output.check_foreign(tree.files, tree.out)
        return [path for tree in trees for path in output.write(tree.files, tree.out, tree.package)]

    changed = _or_exit(write)
    for path in changed:
        click.echo(f"  {path}")
    click.echo(f"{api.package.name}: {len(changed)} files changed")


@_command
@_OUT
@_REFERENCE
def check(
    manifest_file: Path, protos: Path | None, descriptor_set: Path | None, out: Path, reference: Path | None
) -> None:
    """Compare the SDK on disk with its input. Where they differ, print a unified diff and exit with code 1."""
    api = _load(manifest_file, protos, descriptor_set)
    diff = _or_exit(
        lambda: "".join(output.difference(tree.files, tree.out, tree.package) for tree in _trees(api, out, reference))
    )
    if diff:
        click.echo(diff, nl=False)
        click.echo(f"{api.package.name} is not up to date: run 'twirpkit generate'", err=True)
        sys.exit(1)
    click.echo(f"{api.package.name} is up to date")


@_command
def inspect(manifest_file: Path, protos: Path | None, descriptor_set: Path | None) -> None:
    """Print the model that the templates are rendered with, as JSON."""
    click.echo(build.to_json(_load(manifest_file, protos, descriptor_set)))


@dataclass(frozen=True, slots=True)
class _Tree:
    """Files of one output folder."""

    files: dict[str, str]
    out: Path
    package: str = ""


def _trees(api: Api, out: Path, pages: Path | None) -> Iterator[_Tree]:
    yield _Tree(package.render(api), out, api.package.name)
    if pages is not None:
        yield _Tree(reference_pages.pages(api), pages)


def _load(manifest_file: Path, protos: Path | None, descriptor_set: Path | None) -> Api:
    if protos is not None and descriptor_set is not None:
        raise click.UsageError("give --protos or --descriptor-set, not both")

    def load() -> Api:
        facts = manifest.load(manifest_file)
        if descriptor_set is not None:
            return build.build(descriptors.read_descriptor_set(descriptor_set), facts)
        root = protos if protos is not None else manifest_file.parent
        return build.build(descriptors.compile_protos(root.resolve()), facts)

    return _or_exit(load)


def _or_exit(work: Callable[[], T]) -> T:
    """Return the result of `work`; on an error in the input, print it and exit with code 1."""
    try:
        return work()
    except GenerationError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
