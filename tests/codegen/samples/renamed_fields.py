"""Fields with other names in Python, as users of a generated package write them; checked beside it.

A line that a checker must refuse has a comment that says so: mypy reports one that nothing needs.
"""

from odd_keywords import Keywords
from odd_renamed import Bowler, OddAPI


def call(api: OddAPI) -> str:
    """Constructors and keywords take the Python name; the attribute is the proto's, as in protobuf."""
    bowler = Bowler(inches=3, label="x", title="y", kind="BOWLER")
    bowler.name = "z"
    api.hats.fetch(inches=3, label="x")
    assert not Keywords(from_="x", import_=["y"], lambda_="else").HasField("with")
    Bowler(name="x")  # type: ignore[call-arg]  # refused
    return bowler.label  # type: ignore[attr-defined, no-any-return]  # refused
