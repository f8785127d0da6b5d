"""The SDK that the runtime carries for Twirp's client test is the generator's output, as every SDK is."""

from generating import ROOT, run

PROTOS = ROOT / "runtime" / "twirpkit" / "clientcompat" / "protos"


def test_it_is_up_to_date() -> None:
    done = run("check", PROTOS / "clientcompat.toml", "--out", ROOT / "runtime")
    assert (done.code, done.out, done.err) == (0, "twirpkit.clientcompat._sdk is up to date\n", "")
