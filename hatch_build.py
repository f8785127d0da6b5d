"""The readme as PyPI shows it: with links to the repository in place of those to files beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class CustomMetadataHook(MetadataHookInterface):
    """Sets the readme."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read the readme and make its links absolute."""
        root = f"{metadata['urls']['Source']}/blob/main/"
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = re.sub(r"\]\((?!https?://|#)([^)]+)\)", lambda found: f"]({root}{found[1]})", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
