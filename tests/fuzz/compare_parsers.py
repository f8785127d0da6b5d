"""Differential fuzzing of the response parser against h11 and llhttp: `nox -s fuzz -- --seconds 60`.

For each input, the parser must not raise, must read the same whatever the segments are, must refuse what both others
refuse, and must not read another body than either of them does. An input that breaks this is printed, and belongs into
``seeds``, which every run begins with. The fuzzer is atheris, guided by the coverage of the parser and of h11; where it
is not installed, seeds are changed at random.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SEEDS = HERE / "seeds"
sys.path.insert(0, str(HERE.parent / "runtime" / "http1"))  # for reference_parsers

with contextlib.suppress(ImportError):
    import atheris

GUIDED = "atheris" in sys.modules
if GUIDED:
    with atheris.instrument_imports(include=["twirpkit._http1", "h11"]):
        from reference_parsers import disagreement
else:
    from reference_parsers import disagreement

WORDS = (
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\r\r\n", b"\0", b"\x01", b"\t", b" ", b":", b";", b",", b"\xff"),
    *(b"0\r\n\r\n", b"2\r\nhi\r\n", b"2;a=b\r\nhi\r\n", b"0\r\nA: b\r\n\r\n", b"hi", b"5", b"00"),
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 103 X\r\n\r\n", b"HTTP/1.1 204 X\r\n", b"HTTP/1.1 "),
    *(b"Content-Length: 2\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: "),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Content-Encoding: gzip\r\n", b"chunked", b"identity"),
    *(b"Upgrade: x\r\n", b"X: y\r\n", b" z\r\n", b"100", b"101", b"304", b"500"),
)
"""Parts of responses, of which the fuzzer makes others."""
LONGEST = 4096


def check(data: bytes) -> None:
    """Raise AssertionError for a response that is read in a wrong way."""
    wrong = disagreement(data)
    if wrong is not None:
        raise AssertionError(f"{wrong}\nThe response: {data!r}")


def fuzz_guided(seconds: int) -> None:
    """Let atheris make inputs; it ends the process."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "found")
        found.mkdir()
        words = Path(folder, "words")
        quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
        words.write_text("".join(f'"{word}"\n' for word in quoted), encoding="ascii")
        options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-dict={words}", "-verbosity=1"]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(found), str(SEEDS)], check)
        atheris.Fuzz()


def fuzz_at_random(seconds: int, start: int) -> None:
    """Change seeds at random; `start` says with which numbers."""
    numbers = random.Random(start)
    seeds = [path.read_bytes() for path in sorted(SEEDS.iterdir())]
    end = time.monotonic() + seconds
    runs = 0
    while time.monotonic() < end:
        check(changed(numbers.choice(seeds), numbers, seeds))
        runs += 1
    print(f"Done {runs} runs from {start}", file=sys.stderr)


def changed(data: bytes, numbers: random.Random, seeds: list[bytes]) -> bytes:
    """A response with a few changes."""
    for _ in range(numbers.randint(1, 4)):
        left, right = sorted(numbers.choices(range(len(data) + 1), k=2))
        right = min(right, left + numbers.choice((0, 1, 2, 8, LONGEST)))
        other = numbers.choice(seeds)
        cut = numbers.randint(0, len(other))
        byte = numbers.randbytes(1)
        middle = numbers.choice((b"", byte, numbers.choice(WORDS), data[left:right] * 2, other[cut : cut + 20]))
        data = data[:left] + middle + data[right:]
    return data[:LONGEST]


def main() -> None:
    """Fuzz for the seconds of the command line."""
    arguments = argparse.ArgumentParser(description="Compare our reading of responses with those of h11 and llhttp.")
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--random", type=int, metavar="START", help="change seeds at random, from this number on")
    given = arguments.parse_args()
    for path in sorted(SEEDS.iterdir()):
        check(path.read_bytes())
    if GUIDED and given.random is None:
        fuzz_guided(given.seconds)
    else:
        fuzz_at_random(given.seconds, time.time_ns() if given.random is None else given.random)


if __name__ == "__main__":
    main()
