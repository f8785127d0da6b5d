"""``python -m cases.red``: play the whole table, and print the rows that fail in either client, as JSON."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor

from cases import CASES, KNOWN_FAILURES, Case
from cases.play import DEFAULTS, Player, Stage

__all__ = ["red"]


def red() -> list[str]:
    """The rows that fail, without those that are known to."""
    with ThreadPoolExecutor(len(DEFAULTS)) as threads:
        found = set().union(*threads.map(_red_over, DEFAULTS))
    return [str(case) for case in CASES if str(case) in found]


def _red_over(client: str) -> set[str]:
    with Stage() as stage:
        player = Player(stage, client)
        found = {str(case) for case in CASES if f"{client}: {case}" not in KNOWN_FAILURES and _fails(player, case)}
        player.close()
    return found


def _fails(player: Player, case: Case) -> bool:
    try:
        player.play(case)
    except Exception:  # whatever a wrong line may raise
        return True
    return False


if __name__ == "__main__":
    logging.disable()  # rows of clocks that differ warn
    print(json.dumps(red()))
