"""Helpers of a service: a template of methods that the generator renders into both clients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.model import Helpers

__all__ = ["read_helpers"]

_METHOD: Final = re.compile(r"^    \{\{ mode\.def_ \}\} (\w+)\(", re.MULTILINE)


def read_helpers(manifest: Manifest, service: str, section: Mapping[str, Any]) -> Helpers | None:
    """Read the helpers of a service, None if its section names none. Raises GenerationError."""
    name = section.get("helpers")
    if name is None:
        return None
    location = manifest.location("services", service, "helpers")
    if not isinstance(name, str) or not name or Path(name).is_absolute():
        text = f"helpers of {service} must be the path of a template, relative to the manifest"
        raise GenerationError.at(location, text)
    try:
        template = (manifest.folder / name).read_text("utf-8")
    except OSError as error:
        raise GenerationError.at(location, f"helpers {name!r} of {service} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GenerationError.at(location, f"helpers {name!r} of {service} is not UTF-8: save it as UTF-8") from None
    methods = tuple(_METHOD.findall(template))
    if not methods:
        text = f"helpers {name!r} of {service} has no method: write lines like '    {{{{ mode.def_ }}}} find_hat('"
        raise GenerationError.at(location, text)
    return Helpers(name, template, methods)
