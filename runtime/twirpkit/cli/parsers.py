"""Argument parsers of the command line, on top of ``argparse``."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from twirpkit._config.package_info import PackageInfo
from twirpkit.cli.help_text import description, policy, width
from twirpkit.cli.request_options import Option
from twirpkit.help import Help

__all__ = ["Parser", "UsageError", "client_flags", "client_parser", "request_parser"]

_NO_HELP = Help("")


class UsageError(Exception):
    """An invalid command line; the text says what to do."""

    def __init__(self, prog: str, problem: str) -> None:
        super().__init__(problem)
        self.prog = prog


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` without help, abbreviations and exits of its own."""

    def __init__(self, prog: str, usage: str, description: str = "", epilog: str = "") -> None:
        super().__init__(
            prog,
            _escape_percent(f"{prog} {usage}"),
            _escape_description(description),
            _escape_description(epilog),
            formatter_class=functools.partial(
                argparse.RawDescriptionHelpFormatter, max_help_position=28, width=width()
            ),
            add_help=False,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )

    def error(self, message: str) -> NoReturn:
        """Raise UsageError in place of an exit."""
        hint = "; a value that begins with - is given as --option=-value" if "expected" in message else ""
        raise UsageError(self.prog, f"{message}{hint}")


class _Switch(argparse.Action):
    """A bool option: its first spelling sets it to true, its second to false. Each use is recorded."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, flag: str | None = None
    ) -> None:
        setattr(namespace, self.dest, [*getattr(namespace, self.dest, []), flag == self.option_strings[0]])


def client_flags(package: PackageInfo) -> list[str]:
    """Return the names of the options that stand before the service."""
    return ["--url", "--token", *(["--api-key"] if _signs(package) else []), "--timeout", "--header", "--show-secrets"]


def client_parser(package: PackageInfo, prog: str) -> Parser:
    """Return the parser of the options that stand before the service; the rest becomes ``command``."""
    env = package.env
    text = f"Call one RPC of {package.name}: JSON in, JSON out."
    parser = Parser(prog, "[client option …] SERVICE RPC [request option …]", description=text)
    group = parser.add_argument_group("client options, which stand before the service")
    group.add_argument("--url", metavar="URL", help=f"Base URL of the server.{_default(env, 'url')}")
    hidden = ", which other users of the machine cannot read" if "token" in env else ""
    text = f"Bearer token.{_default(env, 'token', hidden)}"
    group.add_argument("--token", metavar="TOKEN", help=text)
    if _signs(package):
        text = f"API key; its secret is read from {env['api_secret']} only.{_default(env, 'api_key')}"
        group.add_argument("--api-key", metavar="KEY", help=text)
    text = "Timeout of the call in seconds, all attempts included, or none. Default: that of the RPC."
    group.add_argument("--timeout", metavar="SECONDS", help=text)
    text = "Additional request header. May be repeated."
    group.add_argument("--header", metavar="NAME=VALUE", action="append", help=text)
    text = "Print the values of fields that the schema marks as secret or personal."
    group.add_argument("--show-secrets", action="store_true", help=text)
    text = "Show this help; after a service or an RPC, its own."
    group.add_argument("-h", "--help", action="store_true", help=text)
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def request_parser(prog: str, options: Iterable[Option], help: Help = _NO_HELP) -> Parser:
    """Return the parser of the options that stand after the RPC; `help` is used for printing only."""
    parser = Parser(prog, "[--json JSON] [request option …]", description(help), policy(help))
    # No field's name contains a colon.
    text = "The whole request as JSON; @FILE: from a file; -: from standard input. Other options override its fields."
    parser.add_argument("--json", dest="json:", metavar="JSON", action="append", help=text)
    for option in options:
        name = option.field.name
        shown = _escape_percent(f"{help.fields.get(name, '')} {option.hint()}".strip()) or None
        if option.negative is None:
            parser.add_argument(option.flag, dest=name, metavar=option.metavar, action="append", help=shown)
        else:
            parser.add_argument(option.flag, option.negative, dest=name, action=_Switch, help=shown)
    return parser


def _signs(package: PackageInfo) -> bool:
    return package.signer is not None and "api_secret" in package.env


def _default(env: Mapping[str, str], name: str, remark: str = "") -> str:
    return f" Default: {env[name]}{remark}." if name in env else ""


def _escape_percent(text: str) -> str:
    """Escape percent signs, which argparse replaces by values."""
    return text.replace("%", "%%")


def _escape_description(text: str) -> str:
    """Escape percent signs where argparse replaces nothing but ``%(prog)``."""
    return _escape_percent(text) if "%(prog)" in text else text
