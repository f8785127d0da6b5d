"""Run the scenarios, each in a process of its own: `python tests/stress/run.py [--scale 1] [NAME …]`.

`nox -s stress -- NAME …` does the same. What each must show stands in `docs/reliability.md`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCENARIOS = {
    "chaos": 900,
    "prefixes": 300,
    "deadlines": 900,
    "interrupts": 900,
    "fork": 300,
    "keepalive": 900,
    "failover": 1800,
    "bombs": 600,
    "outage": 600,
    "canaries": 300,
    "leaks": 1800,
    "closing": 300,
    "descriptors": 300,
    "refusals": 300,
    "cpu": 900,
    "skew": 900,
}
"""The scenarios in the order of the table, and the seconds after which one counts as hung."""


def main() -> int:
    """Run those named, or all; the exit code is 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="1", help="of the counts")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENARIOS))
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in SCENARIOS]:
        parser.error(f"no scenario is called {', '.join(unknown)}: choose from {', '.join(SCENARIOS)}")
    failed = []
    for name in options.names or SCENARIOS:
        print(f"== {name}", flush=True)
        command = [sys.executable, HERE / f"{name}.py", "--scale", options.scale]
        try:
            done = subprocess.run(command, timeout=SCENARIOS[name], check=False).returncode == 0
        except subprocess.TimeoutExpired:
            print(f"FAIL {name} hung: it was ended after {SCENARIOS[name]} s")
            done = False
        failed += [] if done else [name]
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
