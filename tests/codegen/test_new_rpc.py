"""A new RPC needs a policy row and nothing else: both clients then call it, with the claims of the row."""

import random
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from echo import Echo, echo_server
from generating import ROOT, generate, tree

SEEDS = [20240229, 7]
SECRET = "the-secret-of-the-random-rpc-test"

CALL = """\
import asyncio, os, sys

url, secret, rpc, method, message, text, number, value = sys.argv[1:]
import livekit_twirp
from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI

assert livekit_twirp.__file__.startswith(os.environ["PYTHONPATH"])

cls = getattr(livekit_twirp, message)
fields = {text: value, number: 7}
with LiveKitAPI(url, "key", secret) as client:
    for answer in (
        getattr(client.room, method)(**fields),
        getattr(client.room, method)(fields),
        getattr(client.room, method)(cls(**fields)),
    ):
        assert answer == cls(**fields), answer


async def main():
    async with AsyncLiveKitAPI(url, "key", secret) as client:
        for answer in (
            await getattr(client.room, method)(**fields),
            await getattr(client.room, method)(fields),
            await getattr(client.room, method)(cls(**fields)),
        ):
            assert answer == cls(**fields), answer


asyncio.run(main())
"""


class Names:
    """Random names, each once."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)

    def word(self) -> str:
        """A word of lower-case letters that is in no proto and no keyword."""
        return "zq" + "".join(self.pick.choices(string.ascii_lowercase, k=self.pick.randrange(3, 8)))

    def camel(self) -> str:
        """Two words as messages and RPCs are written."""
        return self.word().capitalize() + self.word().capitalize()

    def snake(self) -> str:
        """Two words as fields are written."""
        return f"{self.word()}_{self.word()}"


@pytest.fixture(scope="module")
def server() -> Iterator[Echo]:
    """A server that sends each request back."""
    with echo_server() as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_new_rpc(seed: int, server: Echo, tmp_path: Path) -> None:
    names = Names(seed)
    rpc, message, text, number, value = names.camel(), names.camel(), names.snake(), names.snake(), names.word()
    print(f"seed {seed}: rpc {rpc}({message}), fields {text} and {number}")
    protos, out = tmp_path / "protos", tmp_path / "out"
    shutil.copytree(ROOT / "protos", protos)
    manifest, proto = protos / "livekit.toml", protos / "livekit_room.proto"
    lines = proto.read_text(encoding="utf-8").splitlines(keepends=True)
    end = next(n for n in range(lines.index("service RoomService {\n"), len(lines)) if lines[n] == "}\n")
    lines.insert(end, f"  // Does {rpc}.\n  rpc {rpc}({message}) returns ({message});\n")
    lines.append(f"\nmessage {message} {{\n  // The name.\n  string {text} = 1;\n  uint32 {number} = 2;\n}}\n")
    proto.write_text("".join(lines), encoding="utf-8")

    section = manifest.read_text(encoding="utf-8").splitlines().index('[services."livekit.RoomService"]')
    said = f"livekit_room.proto:{end + 2}: livekit.RoomService/{rpc} has no policy row: add one to livekit.toml:"
    assert generate(manifest, out).partition("\n")[0] == f"{said}{section + 1}"
    assert not out.exists()

    line = f'{rpc} = {{ grants.video = {{ roomAdmin = true, room = "${text}" }}, retry = "read" }}\n'
    added = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    added.insert(section + 1, line)
    manifest.write_text("".join(added), encoding="utf-8")
    before = tree(protos)
    assert generate(manifest, out) == ""
    assert tree(protos) == before

    server.received.clear()
    (tmp_path / "call.py").write_text(CALL)
    method = "_".join(part.lower() for part in split(rpc))
    arguments = [server.url, SECRET, rpc, method, message, text, number, value]
    environment = {"PYTHONPATH": str(out)}
    command = [sys.executable, "-W", "error", tmp_path / "call.py", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path for path, _, _ in server.received] == [f"/twirp/livekit.RoomService/{rpc}"] * 6
    for _, headers, _ in server.received:
        kind, _, token = headers["authorization"].partition(" ")
        assert kind == "Bearer"
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        assert {name: claims[name] for name in claims.keys() - {"nbf", "exp"}} == {
            "iss": "key",
            "video": {"roomAdmin": True, "room": value},
        }


def split(name: str) -> list[str]:
    """The two words of a name."""
    second = next(n for n in range(1, len(name)) if name[n].isupper())
    return [name[:second], name[second:]]
