"""Long chains of messages, and deep ones, generate and load: nothing of ours recurses over them."""

import subprocess
import sys
from pathlib import Path

import pytest
from generating import project, run


@pytest.mark.slow
def test_a_chain_of_a_thousand_messages(tmp_path: Path) -> None:
    messages = "".join(f"message M{n} {{ M{n + 1} next = 1; }}\n" for n in range(1000))
    proto = (
        f'syntax = "proto3"; package acme;\nservice A {{ rpc Do(M0) returns (M0); }}\n{messages}message M1000 {{}}\n'
    )
    assert run("generate", project(tmp_path, {"a.proto": proto}), "--out", tmp_path / "out").code == 0
    code = "from acme_twirp import M0, M999; m = M0(next={'next': {}}); print(m.next.HasField('next'), M999().next)"
    for engine in ("upb", "python"):
        environment = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": engine}
        python = [sys.executable, "-c", code]
        done = subprocess.run(
            python, cwd=tmp_path / "out", env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "True \n"), done.stderr
