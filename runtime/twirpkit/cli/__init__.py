"""The command line of a generated package: ``python -m hats_twirp hats make-hat --size 7``.

Generated code drives `main`: the package's `PackageInfo`, its tables of RPCs, its help texts and the sync facade. The
guide is `docs/cli.md`.
"""

from twirpkit.cli.command import main

__all__ = ["main"]
