"""Help of a generated package on the command line: all of the proto's comments, whatever they begin with."""

import subprocess
import sys
from pathlib import Path

import pytest
from generating import MANIFEST, project, run

PROTO = """
syntax = "proto3";
package acme;

// Sells hats.
service HatService {
  // Presses a hat.
  //
  // Timeouts of the press are its own.
  //
  // Grants of money are not accepted.
  //
  // Retry class of the felt: none.
  //
  // Fields of view may narrow.
  //
  // Raises the price.
  rpc PressHat(Press) returns (Press);
  rpc Bare(Press) returns (Press);
}

message Press {
  // How hot.
  //
  // Timeout: never mind.
  int32 heat = 1;
  // Not a keyword in Python.
  string from = 2;
  // An option of the call has this name.
  int32 timeout = 3;
}
"""
PARAGRAPHS = [
    "Presses a hat.",
    "Timeouts of the press are its own.",
    "Grants of money are not accepted.",
    "Retry class of the felt: none.",
    "Fields of view may narrow.",
    "Raises the price.",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated package."""
    folder = tmp_path_factory.mktemp("help")
    done = run("generate", project(folder / "in", {"acme.proto": PROTO}, MANIFEST), "--out", folder)
    assert done.code == 0
    return folder


def help_of(folder: Path, *arguments: str, flags: tuple[str, ...] = ()) -> str:
    """Return the output of the command line."""
    command = [sys.executable, *flags, "-m", "acme_twirp", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.mark.parametrize("flags", [(), ("-OO",)], ids=["", "-OO"])
class TestHelp:
    def test_help_of_an_rpc_has_every_paragraph_of_its_comment(self, folder: Path, flags: tuple[str, ...]) -> None:
        text = help_of(folder, "hat-service", "press-hat", "--help", flags=flags)
        assert text.partition("options:")[0].split("\n\n")[1:-1] == PARAGRAPHS

    def test_help_of_an_rpc_has_its_policy(self, folder: Path, flags: tuple[str, ...]) -> None:
        text = help_of(folder, "hat-service", "press-hat", "--help", flags=flags)
        assert "\n\nRetry class: never.\nTimeout: " in text

    def test_help_of_each_option_has_its_fields_comment(self, folder: Path, flags: tuple[str, ...]) -> None:
        text = " ".join(help_of(folder, "hat-service", "press-hat", "--help", flags=flags).split())
        assert "--heat INTEGER How hot. Timeout: never mind." in text
        assert "--from TEXT Not a keyword in Python." in text
        assert "--timeout INTEGER An option of the call has this name." in text

    def test_help_of_a_service_has_the_summaries_of_its_rpcs(self, folder: Path, flags: tuple[str, ...]) -> None:
        text = help_of(folder, "hat-service", flags=flags)
        assert text.endswith("Sells hats.\n\nRPCs:\n  press-hat  Presses a hat.\n  bare       Call Bare.\n")

    def test_help_of_the_package_has_the_summaries_of_its_services(self, folder: Path, flags: tuple[str, ...]) -> None:
        assert "\nservices:\n  hat-service  Sells hats.\n" in help_of(folder, flags=flags)


def test_clients_load_no_help(folder: Path) -> None:
    program = (
        "import sys, acme_twirp; acme_twirp.AcmeAPI('http://x', transport=object()).hat_service; print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert [each for each in ran.stdout.split() if "acme_twirp._help" in each] == []
    assert "acme_twirp._sync.hat_service" in ran.stdout
