"""The generator at scale: `python benchmarks/scale.py [--docs] [NUMBER …]`, or `nox -s bench -- --scale`.

Measures the CPU time of generation, import, mypy and pyright for services of that many RPCs with two messages each.
`--docs` writes the table and the plot of `docs/scale.md`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from svg import lines

NUMBERS = (1, 10, 100, 1000)
DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- begin: written by benchmarks/scale.py -->", "<!-- end -->"
MANIFEST = '[sdk]\npackage = "scale"\nfacade = "ScaleAPI"\n'


def proto(number: int) -> str:
    """Return a service with that many RPCs, and two messages and five fields for each."""
    rpcs = "".join(f"  // Does thing {n}.\n  rpc Do{n}(Request{n}) returns (Response{n});\n" for n in range(number))
    messages = "".join(
        f"// Asks for thing {n}.\nmessage Request{n} {{\n  string name = 1;\n  int32 size = 2;\n"
        f"  Response{n * 7 % number} inner = 3;\n  repeated string tags = 4;\n  map<string, string> notes = 5;\n}}\n"
        f"message Response{n} {{\n  string id = 1;\n  Kind kind = 2;\n}}\n"
        for n in range(number)
    )
    kind = "enum Kind {\n  NONE = 0;\n  SOME = 1;\n}\n"
    return f'syntax = "proto3";\npackage scale;\nservice Scale {{\n{rpcs}}}\n{messages}{kind}'


def measure(number: int) -> dict[str, float]:
    """Return the CPU seconds of each step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scale.proto").write_text(proto(number), encoding="utf-8")
        (folder / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
        program = "from twirpkit_codegen.cli import main; main()"
        steps: dict[str, Sequence[object]] = {
            "generate": ["-c", program, "generate", folder / "manifest.toml", "--out", folder],
            "import": ["-c", "import scale._sync.scale, scale._methods.scale, scale.messages.scale"],
            "mypy": ["-m", "mypy", "--strict", f"--cache-dir={os.devnull}", "-p", "scale"],
            "pyright": ["-m", "pyright", "--pythonpath", sys.executable, folder / "scale"],
        }
        return {step: cpu_seconds(arguments, folder) for step, arguments in steps.items()}


def cpu_seconds(arguments: Sequence[object], folder: Path) -> float:
    """Run Python, and return the user and system time of it and of what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, *map(str, arguments)]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(found: dict[int, dict[str, float]]) -> str:
    """Return the figures as Markdown."""
    steps = list(next(iter(found.values())))
    rows = [f"| {number} | {' | '.join(f'{each[step]:.1f}' for step in steps)} |" for number, each in found.items()]
    return "\n".join([f"| RPCs | {' | '.join(steps)} |", f"|---|{'---|' * len(steps)}", *rows])


def main() -> None:
    """Measure, print, and write the page if that is wanted."""
    words = sys.argv[1:]
    numbers = [int(each) for each in words if each.isdigit()] or NUMBERS
    found = {}
    for number in numbers:
        found[number] = measure(number)
        print(number, {step: round(seconds, 1) for step, seconds in found[number].items()}, flush=True)
    print(table(found))
    if "--docs" in words:
        series = {step: [each[step] for each in found.values()] for step in next(iter(found.values()))}
        plot = lines("CPU seconds, by the number of RPCs", list(found), series)
        (DOCS / "benchmarks" / "scale.svg").write_text(plot, encoding="utf-8")
        page = DOCS / "scale.md"
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


main()
