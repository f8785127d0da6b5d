"""Play the table to Twirp's own Go client, and keep what it makes of each row in ``outcomes.json``.

By hand, after the table has changed: ``python tests/runtime/cases/go/record.py`` (needs Go, and downloads its modules).
A test then holds the table's ``go`` column against the file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

from cases import CASES  # noqa: E402  # after the path is set
from cases.play import Stage  # noqa: E402  # after the path is set


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "recorder")
        environment = os.environ | {"GOFLAGS": "-mod=mod"}
        for name in ("go.mod", "main.go"):
            Path(folder, name).write_bytes((HERE / name).read_bytes())
        subprocess.run(["go", "build", "-o", program, "."], cwd=folder, env=environment, check=True)
        outcomes = _play(program)
    (HERE / "outcomes.json").write_text(json.dumps(outcomes, indent=0) + "\n", encoding="utf-8")
    print(f"{len(outcomes)} outcomes")


def _play(program: Path) -> dict[str, str]:
    """By row: the code of Go's error, or its answer in hexadecimal digits after ``ok:``."""
    outcomes = {}
    with Stage() as stage, subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as go:
        assert go.stdin is not None
        assert go.stdout is not None
        for case in CASES:
            if not case.compared:
                continue
            stage.play(case.steps)
            go.stdin.write(stage.url + "\n")
            go.stdin.flush()
            told = json.loads(go.stdout.readline())
            outcomes[str(case)] = told["code"] if "code" in told else f"ok:{told['answer']}"
        go.stdin.close()
    return outcomes


if __name__ == "__main__":
    main()
