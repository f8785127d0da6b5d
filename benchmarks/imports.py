"""How long importing takes: CPU seconds of fresh interpreters, beside livekit-api's, as ratios.

python benchmarks/imports.py [RUNS]
"""

import resource
import subprocess
import sys

PROGRAMS = {
    "import google.protobuf.message": "import google.protobuf.message",
    "import livekit_twirp": "import livekit_twirp",
    "from livekit_twirp import Room": "from livekit_twirp import Room",
    "LiveKitAPI(…).room": "from livekit_twirp import LiveKitAPI; LiveKitAPI('http://localhost', token='x').room",
    "AsyncLiveKitAPI(…).room": (
        "from livekit_twirp import AsyncLiveKitAPI; AsyncLiveKitAPI('http://localhost', token='x').room"
    ),
    "import requests": "import requests",
    "import aiohttp": "import aiohttp",
    "import livekit.api": "import livekit.api",
}
BASE = "import livekit.api"
CANNED = "import livekit_twirp; livekit_twirp.LiveKitAPI('https://a.livekit.cloud', token='x', transport=object())"
"""A client that needs no network library."""


def seconds(program: str) -> float:
    """CPU seconds of one fresh interpreter."""
    before = cpu()
    subprocess.run([sys.executable, "-c", program], check=True)
    return cpu() - before


def cpu() -> float:
    """CPU seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def services() -> dict[str, str]:
    """A program for each service: what touching it costs beside its network library, most of it messages."""
    from livekit_twirp._sdk import PACKAGE

    return {f"….{facts.attribute}": f"{CANNED}.{facts.attribute}" for facts in PACKAGE.services.values()}


def main(runs: int) -> None:
    """Print the best of alternating runs, less the interpreter's own start: whatever else runs only adds."""
    programs = {**PROGRAMS, "LiveKitAPI(…, transport=…)": CANNED, **services()}
    measured: dict[str, list[float]] = {program: [] for program in ("pass", *programs.values())}
    for _ in range(runs):
        for program, times in measured.items():
            times.append(seconds(program))
    start = min(measured["pass"])
    best = {name: min(measured[program]) - start for name, program in programs.items()}
    print(f"| program | ms | ÷ {BASE} |\n|---|---|---|")
    for name, taken in best.items():
        print(f"| `{name}` | {taken * 1e3:.0f} | {taken / best[BASE]:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
