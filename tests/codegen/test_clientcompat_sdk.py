"""The package of Twirp's client test is the generator's output."""

from generating import ROOT, run

PROTOS = ROOT / "tests" / "clientcompat" / "protos"


def test_it_is_up_to_date() -> None:
    done = run("check", PROTOS / "clientcompat.toml", "--out", ROOT / "tests" / "clientcompat" / "generated")
    assert (done.code, done.out, done.err) == (0, "clientcompat_twirp is up to date\n", "")
