"""The command line of a generated package: ``python -m hats_twirp hats make-hat --size 7``.

`main` is driven by what the generator wrote: the package's `twirpkit._config.resolve.Sdk`, the method tables, and the sync facade.
The guide is `docs/cli.md`.
"""

from twirpkit.cli.command import main

__all__ = ["main"]
