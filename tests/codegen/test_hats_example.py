"""`examples/hats`: another company's SDK, made by the same command, that has nothing of LiveKit's."""

import json
import re
import subprocess
import sys

import pytest
from generating import ROOT, run, tree

HATS = ROOT / "examples" / "hats"
DEMO = HATS / "demo.py"
SAYS = """\
HatsAPI       make_hat   H1, 21 inches
HatsAPI       make_hat   H2, 22 inches
HatsAPI       make_hat   H3, 23 inches
HatsAPI       iter_hats  H1, H2, H3
HatsAPI       get_hat    not_found: no hat H9
AsyncHatsAPI  make_hat   H4, 22 inches
AsyncHatsAPI  iter_hats  H1, H2, H3, H4
AsyncHatsAPI  get_hat    unauthenticated: hatters only
"""
MODULES = f"""\
import json, runpy, sys
sys.path.insert(0, {str(HATS)!r})
runpy.run_path({str(DEMO)!r}, run_name="__main__")
import hats_twirp
[getattr(hats_twirp, name) for name in hats_twirp.__all__]
print(json.dumps(sorted(sys.modules)))
"""


def test_its_package_is_up_to_date() -> None:
    done = run("check", HATS / "protos" / "hats.toml", "--out", HATS / "generated")
    assert (done.code, done.out, done.err) == (0, "hats_twirp is up to date\n", "")


def test_it_runs() -> None:
    ran = subprocess.run([sys.executable, "-W", "error", DEMO], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", SAYS)


@pytest.mark.parametrize("path", sorted(path for path, content in tree(HATS).items() if content))
def test_its_files_have_no_trace_of_livekit(path: str) -> None:
    assert "livekit" not in path.lower()
    assert not re.search(rb"livekit|\blk\b", tree(HATS)[path], re.IGNORECASE)


def test_it_loads_nothing_of_livekit() -> None:
    """Neither our part for it nor its own packages, though they are installed here."""
    ran = subprocess.run([sys.executable, "-c", MODULES], capture_output=True, text=True, check=True, timeout=60)
    modules = json.loads(ran.stdout.splitlines()[-1])
    assert {"hats_twirp._sync.hats", "hats_twirp._async.hats", "twirpkit.client"} <= set(modules)
    assert [each for each in modules if "livekit" in each.lower()] == []


def test_its_readme_says_how_it_is_made() -> None:
    text = (HATS / "README.md").read_text(encoding="utf-8")
    assert "twirpkit generate examples/hats/protos/hats.toml --out examples/hats/generated" in text
    assert "examples/hats/README.md" in (ROOT / "README.md").read_text(encoding="utf-8")


MISNAMED = f"""\
import sys
sys.path.insert(0, {str(HATS / "generated")!r})
from hats_twirp import AsyncHatsAPI, AsyncHatService, HatsAPI, HatService
for make in (HatsAPI, AsyncHatsAPI, HatService, AsyncHatService, HatsAPI("localhost:1", token="t").with_options):
    for name in ("retries", "base_url"):
        try:
            make(**{{name: 2}})
        except TypeError as error:
            print(error)
"""


def test_it_suggests_arguments() -> None:
    ran = subprocess.run([sys.executable, "-c", MISNAMED], capture_output=True, text=True, check=True, timeout=60)
    expected = []
    for maker in ("HatsAPI", "AsyncHatsAPI", "HatService", "AsyncHatService", "a client"):
        start = f"{maker} has no {'option' if maker == 'a client' else 'argument'}"
        expected += [f"{start} 'retries'; did you mean 'retry'?", f"{start} 'base_url'; did you mean 'url'?"]
    assert ran.stdout.splitlines() == expected
