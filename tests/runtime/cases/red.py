"""``python -m cases.red``: play the whole table, and print the rows that fail in either client, as JSON."""

from __future__ import annotations

import json

from cases import CASES, KNOWN_FAILURES
from cases.play import CLIENTS, Player, Stage

__all__ = ["red"]


def red() -> list[str]:
    """The rows that fail, without those that are known to."""
    found = set()
    with Stage() as stage:
        for client in CLIENTS:
            player = Player(stage, client)
            found |= {str(case) for case in CASES if f"{client}: {case}" not in KNOWN_FAILURES and _fails(player, case)}
            player.close()
    return [str(case) for case in CASES if str(case) in found]


def _fails(player: Player, case: object) -> bool:
    try:
        player.play(case)  # type: ignore[arg-type]
    except Exception:  # whatever a wrong line may raise
        return True
    return False


if __name__ == "__main__":
    print(json.dumps(red()))
