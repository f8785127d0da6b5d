"""Help texts of its service."""

from twirpkit.sdk import Help

HELP = {"make_hat": Help("Makes a hat.")}
