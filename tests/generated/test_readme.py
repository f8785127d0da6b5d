"""README.md against the packages: its Python examples run as they stand, and print what the server sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from livekit_twirp import DeleteRoomResponse, ListParticipantsResponse, Room
from twirpkit.testing import ScriptedServer, by_rpc, error, reply, sequence

PAGE = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
OUTPUT = (
    ["RM_1 standup", "[]", "livekit.Roo"],
    ["RM_1 standup"],
)
"""What each line of an example's output begins with."""


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    responses = {
        ("livekit.RoomService", "CreateRoom"): reply(Room(sid="RM_1", name="standup")),
        ("livekit.RoomService", "ListParticipants"): reply(ListParticipantsResponse()),
        ("livekit.RoomService", "DeleteRoom"): sequence(
            reply(DeleteRoomResponse()), error("not_found", "no such room")
        ),
    }
    with ScriptedServer(by_rpc(responses, error("unimplemented"))) as server:
        monkeypatch.setenv("LIVEKIT_URL", server.url)
        monkeypatch.setenv("LIVEKIT_API_KEY", "devkey")
        monkeypatch.setenv("LIVEKIT_API_SECRET", "a secret that is long enough for HS256")
        yield server


@pytest.mark.parametrize(("code", "output"), list(zip(EXAMPLES, OUTPUT, strict=True)), ids=["sync", "async"])
def test_example_runs_as_pasted(capsys: pytest.CaptureFixture[str], code: str, output: list[str]) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    lines = capsys.readouterr().out.splitlines()
    assert [line[: len(start)] for line, start in zip(lines, output, strict=True)] == output
