"""docs/foreign-protos.md works as it stands: its files generate, and its program runs with both clients."""

import re
import subprocess
import sys
from pathlib import Path

from echo import echo_server
from generating import ROOT, run, write

PAGE = (ROOT / "docs" / "foreign-protos.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of the page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_a_newcomer_gets_there(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        re.match(r"(?://|#) (\S+)", block)[1]: block  # type: ignore[index]  # each begins with its path
        for block in (*blocks("proto"), blocks("toml")[0])
    }
    listed = blocks("text")[0].split()
    assert sorted(files) == sorted(listed)
    write(tmp_path, files)
    done = run("generate", tmp_path / "search.toml", "--out", tmp_path / "src")
    assert done.code == 0, done.err
    assert done.err == blocks("text")[1]
    for module in ("search_types", "v1/_2/ranking"):
        assert (tmp_path / "src/acme_search/messages" / f"{module}.py").exists()
        assert f"acme_search.messages.{module.replace('/', '.')}" in PAGE
    program = blocks("python")[0].partition("\n")[2]  # without its path
    asynchronous = program.replace("SearchAPI", "AsyncSearchAPI").replace("with Async", "async with Async")
    body = asynchronous.partition("\n\n")
    asynchronous = f"import asyncio\n{body[0]}\nasync def main():\n" + re.sub("(?m)^", "    ", body[2])
    asynchronous = asynchronous.replace("= api.", "= await api.") + "\nasyncio.run(main())\n"
    with echo_server() as server:
        for code in (program, asynchronous):
            code = code.replace("https://search.example.com", server.url)
            python = [sys.executable, "-W", "error", "-c", code]
            done_ = subprocess.run(python, cwd=tmp_path / "src", capture_output=True, text=True, check=False)
            assert (done_.returncode, done_.stdout, done_.stderr) == (0, "['hat']\n", "")
    without_server = blocks("python")[1]
    python = [sys.executable, "-W", "error", "-c", without_server]
    done_ = subprocess.run(python, cwd=tmp_path / "src", capture_output=True, text=True, check=False)
    assert (done_.returncode, done_.stderr) == (0, "")
    assert without_server.endswith(f"  # {done_.stdout}")
