"""What a run found, and its JSON file."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import Figures, Series

LIBRARIES = ("twirpkit", "protobuf", "livekit-api", "requests", "httpx", "aiohttp", "uvloop")


@dataclass(slots=True)
class Results:
    """Everything that was measured, in seconds, by round."""

    environment: dict[str, str]
    series: dict[str, Series] = field(default_factory=dict)
    fairness: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    imports: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write it as JSON, with six significant digits."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_rounded(dataclasses.asdict(self)), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `write` wrote."""
        found = cls(**json.loads(path.read_text(encoding="utf-8")))
        found.series = {
            name: Series(each["title"], {who: Figures(**what) for who, what in each["figures"].items()})  # type: ignore[index]  # still JSON
            for name, each in found.series.items()
        }
        return found


def environment(run: str) -> dict[str, str]:
    """Return what the figures depend on; `run` says how much was measured: full, quick, part."""
    found = {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "load": f"{os.getloadavg()[0]:.1f} before the run",
        "run": run,
    }
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value
