"""The model of an API from the inputs that a command names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.schema import build, descriptors, images, manifest, proto_files
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.model import Api
from twirpkit_codegen.schema.selection import Protos

__all__ = ["Inputs", "load", "load_version"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The manifest, and where the protos are if the manifest does not say."""

    manifest: Path
    protos: tuple[Path, ...] = ()
    """Folders whose files are the SDK's, in place of those of the manifest."""
    imports: tuple[Path, ...] = ()
    """Folders of files that are only imported, besides those of the manifest."""
    descriptor_set: Path | None = None
    """Descriptors in place of files; ``-`` for standard input."""


def load(inputs: Inputs) -> Api:
    """Build the model.

    Raises:
        GenerationError: The inputs have errors. Those of the manifest and of the protos are reported together.
    """
    facts = manifest.load(inputs.manifest)
    problems = facts.problems
    protos = problems.attempt(lambda: _protos(inputs, facts), None)
    if protos is None:
        raise GenerationError.of(problems.found)
    return build.build(protos, facts)


def load_version(path: Path, imports: tuple[Path, ...] = ()) -> Api:
    """Build the model of one version of an API.

    Args:
        path: A manifest, a folder of protos, or a descriptor set; ``-`` for one on standard input.
        imports: Folders of files that are only imported.

    Raises:
        GenerationError: It has errors.
    """
    if path.suffix == ".toml":
        return load(Inputs(path, imports=imports))
    if path.is_dir():
        protos = descriptors.compile_protos(proto_files.find_protos([path], imports, []))
    else:
        protos = images.read_descriptor_set(path)
    return build.build(protos, manifest.bare())


def _protos(inputs: Inputs, facts: Manifest) -> Protos:
    if inputs.descriptor_set is not None:
        return images.read_descriptor_set(inputs.descriptor_set)
    folder = inputs.manifest.parent
    roots = inputs.protos or tuple(folder / root for root in facts.protos.roots)
    imports = (*inputs.imports, *(folder / each for each in facts.protos.imports))
    files = proto_files.find_protos(roots, imports, facts.protos.exclude)
    for pattern in files.unused:
        facts.problems.add(
            facts.location("protos", "exclude"), f"protos.exclude: {pattern!r} excludes no file: remove it"
        )
    return descriptors.compile_protos(files)
