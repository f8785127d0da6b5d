"""The pytest plugin, in runs of pytest of their own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from livekit_twirp.testing import FakeLiveKit

EXAMPLE = Path(__file__).parents[3] / "examples" / "lessons"
RUN = (sys.executable, "-m", "pytest", "-c", os.devnull, "-p", "twirpkit_pytest", "-p", "no:cacheprovider", "-q", "-rA")


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [*RUN, "--rootdir", str(folder), *arguments, str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TWIRPKIT", "LIVEKIT"))}
    return subprocess.run(
        command, cwd=folder, env=environment | (env or {}), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_the_sample_app_is_tested_without_a_socket() -> None:
    ran = run(EXAMPLE, "-W", "ignore")
    assert "2 passed" in ran.stdout, ran.stdout
    lines = (EXAMPLE / "test_app.py").read_text("utf-8").split("def test_a_lesson(")[1].split("\n\n\n")[0]
    assert len(lines.splitlines()) < 30


@pytest.mark.slow
def test_the_sample_app_is_tested_against_a_server_by_one_switch() -> None:
    with FakeLiveKit() as fake, fake.serve() as server:
        env = {
            "TWIRPKIT_TEST_URL": server.url,
            "TWIRPKIT_TEST_KEY": server.api_key,
            "TWIRPKIT_TEST_SECRET": server.api_secret,
        }
        ran = run(EXAMPLE, "-W", "ignore", "--livekit-live", env=env)
        assert "1 passed, 1 skipped" in ran.stdout, ran.stdout
        assert fake.calls[-1].rpc == "livekit.RoomService/DeleteRoom" or len(fake.calls) == 2
    assert "needs TWIRPKIT_TEST_URL" in run(EXAMPLE, "--livekit-live").stdout


FIXTURES = """\
import pytest
from livekit_twirp import LiveKitAPI, NotFoundError, UnavailableError
from twirpkit.testing import error

def test_sync(livekit, livekit_api):
    livekit.join("hall", "ada")
    assert livekit_api.room.list_rooms().rooms[0].num_participants == 1

@pytest.mark.anyio
async def test_async(livekit, async_livekit_api):
    livekit.join("hall", "ada")
    assert (await async_livekit_api.room.list_rooms()).rooms[0].num_participants == 1

@pytest.fixture
def anyio_backend():
    return "asyncio"

def test_scripted(twirp_scripted):
    server = twirp_scripted(error("not_found", "gone"))
    with LiveKitAPI(server.url, token="x") as lk, pytest.raises(NotFoundError):
        lk.room.list_rooms()
"""


@pytest.mark.slow
def test_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FIXTURES)
    ran = run(tmp_path)
    assert "3 passed" in ran.stdout, ran.stdout


OUTSIDE = """\
import asyncio, pytest
from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, UnavailableError

def test_outside():
    with LiveKitAPI("https://127.0.0.1.example.invalid", token="x") as lk, pytest.raises(UnavailableError) as caught:
        lk.room.list_rooms()
    print("WHY", caught.value, caught.value.sent, caught.value.attempts)

def test_outside_async():
    async def scene():
        async with AsyncLiveKitAPI("https://example.invalid", token="x") as lk:
            await lk.room.list_rooms()
    with pytest.raises(UnavailableError, match="test_outside_async may only call this machine"):
        asyncio.run(scene())

def test_inside(livekit):
    with livekit.serve() as server, LiveKitAPI(server.url, server.api_key, server.api_secret) as lk:
        lk.room.list_rooms()
    with livekit.api(url="https://example.invalid") as lk:
        lk.room.list_rooms()
"""


@pytest.mark.slow
def test_calls_to_other_machines_are_refused_by_the_name_of_the_test(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(OUTSIDE)
    ran = run(tmp_path, "-o", "twirpkit_loopback_only=true")
    assert "3 passed" in ran.stdout, ran.stdout
    assert "test_it.py::test_outside may only call this machine (twirpkit_loopback_only)" in ran.stdout
    assert "no 1" in ran.stdout


RECORDED = """\
import asyncio, pytest
from livekit_twirp import NotFoundError

def test_sync(livekit_api):
    lk = livekit_api
    lk.room.create_room(name="hall", metadata="private")
    lk.sip.create_sip_inbound_trunk(trunk={"numbers": ["+1"], "auth_username": "u", "auth_password": "hunter2"})
    with pytest.raises(NotFoundError):
        lk.room.delete_room(room="nowhere")

def test_async(async_livekit_api):
    assert len(asyncio.run(async_livekit_api.room.list_rooms()).rooms) == 1
"""


@pytest.mark.slow
def test_a_server_is_recorded_and_replayed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(RECORDED)
    folder = tmp_path / "recordings"
    with FakeLiveKit() as fake, fake.serve() as server:
        env = {
            "TWIRPKIT_TEST_URL": server.url,
            "TWIRPKIT_TEST_KEY": server.api_key,
            "TWIRPKIT_TEST_SECRET": server.api_secret,
        }
        ran = run(tmp_path, "--livekit-live", "--livekit-record", str(folder), env=env)
        assert "2 passed" in ran.stdout, ran.stdout
        password = fake.calls[0].request
    files = sorted(folder.iterdir())
    assert [each.name for each in files] == ["test_it.py__test_async.jsonl", "test_it.py__test_sync.jsonl"]
    exchanges = [json.loads(line) for each in files for line in each.read_text("utf-8").splitlines()]
    bodies = [base64.b64decode(each[side]["body_b64"]) for each in exchanges for side in ("request", "response")]
    text = f"{exchanges}{bodies}"
    for secret in ("hunter2", "private", server.api_secret, "eyJhbGci", "fake0"):
        assert secret not in text
    assert [json.loads(line)["response"]["status"] for line in files[1].read_text("utf-8").splitlines()] == [
        200,
        200,
        404,
    ]
    assert password.name == "hall"
    assert "2 passed" in run(tmp_path, "--livekit-replay", str(folder)).stdout
    (tmp_path / "test_it.py").write_text(RECORDED.replace("nowhere", "elsewhere"))
    again = run(tmp_path, "--livekit-replay", str(folder)).stdout
    assert "no recorded exchange is left for livekit.RoomService/DeleteRoom" in again
    files[0].unlink()
    assert "does not exist: record it" in run(tmp_path, "--livekit-replay", str(folder)).stdout


def test_a_recording_needs_a_server(tmp_path: Path) -> None:
    ran = run(tmp_path, "--livekit-record", "x")
    assert (ran.returncode, "--livekit-record needs --livekit-live" in ran.stderr) == (4, True)


@pytest.mark.slow
def test_the_plugin_loads_nothing_until_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n    assert not {'twirpkit', 'livekit_twirp'} & set(sys.modules)\n"
    )
    assert "1 passed" in run(tmp_path).stdout


def test_the_entry_point_names_the_plugin() -> None:
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8")
    assert '[project.entry-points.pytest11]\ntwirpkit_pytest = "twirpkit_pytest"' in text
    pytest.importorskip("twirpkit_pytest")
