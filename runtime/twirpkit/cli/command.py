"""From an argument list to an exit code: one call of one RPC, or help.

``argparse`` of the standard library does the parsing, so that a package needs nothing more at run time. Where an option
stands says whose it is: before the service they are the client's, after the RPC they are the request's. So a field may
be called ``url`` and a token still goes nowhere but to the server, and a field that a schema gains changes no script.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import importlib
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from google.protobuf.message import Message

from twirpkit._config.package_info import PackageInfo, ServiceInfo
from twirpkit._schema.message_pool import safe_name
from twirpkit._schema.requests import unescaped
from twirpkit.cli.client import headers, target, timeout
from twirpkit.cli.outcome import EXIT_CODES, INTERRUPTED, USAGE, exit_code, json_text, say, write
from twirpkit.cli.request import Option, options_of, request_of
from twirpkit.cli.texts import NO_TEXT, MethodText, listing, method_text, summary, width, wrapped
from twirpkit.errors import TwirpError
from twirpkit.rpc import Method

__all__ = ["main"]


def main(sdk: PackageInfo, arguments: Sequence[str] | None = None) -> int:
    """Make the call, or print the help, that an argument list asks for.

    Args:
        sdk: The generated package.
        arguments: What follows the program's name; None: those of this process.

    Returns:
        The exit code: 0, or one of `EXIT_CODES`. Errors are one line on standard error, and never a traceback.
    """
    prog = f"python -m {sdk.name}"
    try:
        with warnings.catch_warnings():
            # Of a deprecated RPC: Python shows such warnings to the author of the caller's line only, and that is us.
            warnings.filterwarnings("default", category=DeprecationWarning, module=r"twirpkit\.cli\.")
            warnings.showwarning = lambda message, *_: say(f"{prog}: warning: {message}")
            text = _Command(sdk, prog).run(sys.argv[1:] if arguments is None else arguments)
        return write(text, prog)
    except _UsageError as error:
        say(f"{error.prog}: {error}")
        return USAGE
    except TwirpError as error:
        say(f"{prog}: {error}{'; the request may have run' if error.sent == 'maybe' else ''}")
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED


class _UsageError(Exception):
    """The command line cannot be followed; the text says what to do."""

    def __init__(self, prog: str, problem: str) -> None:
        super().__init__(problem)
        self.prog = prog


class _Parser(argparse.ArgumentParser):
    """argparse without its own help, abbreviations and exits."""

    def __init__(self, prog: str, usage: str, description: str = "", epilog: str = "") -> None:
        super().__init__(
            prog,
            _percent(f"{prog} {usage}"),
            _description(description),
            _description(epilog),
            formatter_class=functools.partial(
                argparse.RawDescriptionHelpFormatter, max_help_position=28, width=width()
            ),
            add_help=False,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )

    def error(self, message: str) -> NoReturn:
        hint = "; a value that begins with - is given as --option=-value" if "expected" in message else ""
        raise _UsageError(self.prog, f"{message}{hint}")


class _Switch(argparse.Action):
    """A bool: its first spelling turns it on, its second off. It keeps how often it was given."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, flag: str | None = None
    ) -> None:
        setattr(namespace, self.dest, [*getattr(namespace, self.dest, []), flag == self.option_strings[0]])


class _Command:
    """One run of the command line."""

    def __init__(self, sdk: PackageInfo, prog: str) -> None:
        self.sdk = sdk
        self.prog = prog
        self.services = {_spelled(facts.attribute): facts for facts in sdk.services.values()}
        self.signs = sdk.signer is not None and "api_secret" in sdk.env
        self.client_flags = ["--url", "--token", *(["--api-key"] if self.signs else []), "--timeout", "--header"]

    def run(self, arguments: Sequence[str]) -> str:
        """What is to be printed."""
        parser = self.client_parser()
        client, unknown = parser.parse_known_args(arguments)
        command: list[str] = client.command
        if unknown:
            # Only names: a value may be a secret.
            raise _UsageError(self.prog, self.unknown(unknown[0], self.client_flags))
        if getattr(client, "help", False) or not command:
            return self.overview(parser)
        facts = self.services.get(command[0])
        if facts is None:
            raise _UsageError(self.prog, _no_such("service", command[0], self.services))
        return self.run_service(facts, vars(client), command[1:])

    def run_service(self, facts: ServiceInfo, client: Mapping[str, Any], arguments: Sequence[str]) -> str:
        prog = f"{self.prog} {_spelled(facts.attribute)}"
        table = importlib.import_module(f"{self.sdk.name}._methods.{facts.attribute}")
        methods: dict[str, Method[Any, Any]] = {_spelled(method.py_name): method for method in table.METHODS}
        if not arguments or arguments[0] in ("-h", "--help"):
            return self.service_overview(facts, methods, prog)
        if arguments[0].startswith("-"):
            raise _UsageError(prog, self.unknown(arguments[0], []))
        method = methods.get(arguments[0])
        if method is None:
            raise _UsageError(prog, _no_such("RPC", arguments[0], methods))
        return self.run_rpc(facts, method, client, arguments[1:])

    def run_rpc(
        self, facts: ServiceInfo, method: Method[Any, Any], client: Mapping[str, Any], arguments: Sequence[str]
    ) -> str:
        prog = f"{self.prog} {_spelled(facts.attribute)} {_spelled(method.py_name)}"
        options = {option.field.name: option for option in options_of(method.request)}
        if {"-h", "--help"}.intersection(arguments):
            return self.rpc_parser(facts, method, options.values(), prog).format_help()
        parser = _request_parser(prog, options.values())
        parsed, unknown = parser.parse_known_args(arguments)
        if unknown:
            flags = [flag for option in options.values() for flag in (option.flag, option.negative) if flag]
            raise _UsageError(prog, self.unknown(unknown[0], [*flags, "--json"]))
        given = {name: texts for name, texts in vars(parsed).items() if name in options}
        document = getattr(parsed, "json:", [None])
        if len(document) > 1:
            raise _UsageError(prog, "--json: given twice, but it takes one value")
        try:
            request = request_of(method.request, document[0], [(options[name], given[name]) for name in given])
            answer = self.call(facts, method, client, request)
        except (ValueError, TypeError, ImportError) as error:
            raise _UsageError(prog, str(error)) from None
        return json_text(answer)

    def call(
        self, facts: ServiceInfo, method: Method[Any, Any], client: Mapping[str, Any], request: Message
    ) -> Message:
        """Make one call with a client of its own."""
        facade = getattr(importlib.import_module(self.sdk.name), self.sdk.facade)
        options: dict[str, Any] = {}
        if "timeout" in client:
            options["timeout"] = timeout(client["timeout"])
        if "header" in client:
            options["extra_headers"] = headers(client["header"])
        with facade(**target(self.sdk, client)) as made:
            answer: Message = getattr(getattr(made, facts.attribute), method.py_name)(request, **options)
        return answer

    def client_parser(self) -> _Parser:
        env = self.sdk.env
        text = f"One call of {self.sdk.name} from the command line: JSON in, JSON out."
        parser = _Parser(self.prog, "[client option …] SERVICE RPC [request option …]", description=text)
        group = parser.add_argument_group("client options, which stand before the service")
        default = f" Default: {env['url']}." if "url" in env else ""
        group.add_argument("--url", metavar="URL", help=f"The server's base URL.{default}")
        default = f" Default: {env['token']}, which other users of the machine do not see." if "token" in env else ""
        group.add_argument("--token", metavar="TOKEN", help=f"A ready bearer token.{default}")
        if self.signs:
            default = f" Default: {env['api_key']}." if "api_key" in env else ""
            text = f"The key that signs; its secret is taken from {env['api_secret']} alone.{default}"
            group.add_argument("--api-key", metavar="KEY", help=text)
        text = "Seconds that the call may take in all, or none. Default: that of the RPC."
        group.add_argument("--timeout", metavar="SECONDS", help=text)
        text = "A header that the call carries. May be repeated."
        group.add_argument("--header", metavar="NAME=VALUE", action="append", help=text)
        group.add_argument(
            "-h", "--help", action="store_true", help="Show this text; after a service or an RPC, its own."
        )
        parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        return parser

    def overview(self, parser: _Parser) -> str:
        facade = getattr(importlib.import_module(self.sdk.name), self.sdk.facade)
        rows = [(name, summary(getattr(facade, facts.attribute, None))) for name, facts in self.services.items()]
        codes = [(str(code), meaning) for code, _, meaning in sorted(EXIT_CODES, key=lambda line: line[0])]
        return "\n\n".join([parser.format_help().rstrip(), listing("services", rows), listing("exit codes", codes)])

    def service_overview(self, facts: ServiceInfo, methods: Mapping[str, Method[Any, Any]], prog: str) -> str:
        service = getattr(importlib.import_module(self.sdk.name), facts.class_name)
        rows = [(name, summary(getattr(service, method.py_name))) for name, method in methods.items()]
        parts = [f"usage: {prog} RPC [request option …]", wrapped(summary(service)), listing("RPCs", rows)]
        return "\n\n".join(part for part in parts if part)

    def rpc_parser(
        self, facts: ServiceInfo, method: Method[Any, Any], options: Iterable[Option], prog: str
    ) -> argparse.ArgumentParser:
        service = getattr(importlib.import_module(self.sdk.name), facts.class_name)
        return _request_parser(prog, options, method_text(getattr(service, method.py_name)))

    def unknown(self, argument: str, flags: Sequence[str]) -> str:
        """What to say of an argument that no parser knows, without its value."""
        name = argument.partition("=")[0]
        if not name.startswith("-"):
            return "an argument that belongs to no option: they begin with --, and a value with spaces wants quotes"
        if name == "--api-secret" and "api_secret" in self.sdk.env:
            return (
                f"a secret is not taken from the command line, which others can see: set {self.sdk.env['api_secret']}"
            )
        if name in self.client_flags and name not in flags:
            return f"{name} is an option of the client: it stands before the service"
        close = difflib.get_close_matches(name, flags, n=1)
        return f"there is no option {name}{f'; did you mean {close[0]}?' if close else '; --help lists them'}"


def _request_parser(prog: str, options: Iterable[Option], texts: MethodText = NO_TEXT) -> _Parser:
    parser = _Parser(prog, "[--json JSON] [request option …]", wrapped(texts.description), texts.policy)
    # No field's name holds a colon.
    text = "The whole request as JSON; @FILE: from a file; -: from standard input. Other options override its fields."
    parser.add_argument("--json", dest="json:", metavar="JSON", action="append", help=text)
    for option in options:
        comment = texts.fields.get(safe_name(option.field.name), "")
        text = _percent(f"{comment} {option.hint()}".strip())
        if option.negative is None:
            parser.add_argument(
                option.flag, dest=option.field.name, metavar=option.metavar, action="append", help=text or None
            )
        else:
            parser.add_argument(option.flag, option.negative, dest=option.field.name, action=_Switch, help=text or None)
    return parser


def _spelled(py_name: str) -> str:
    return unescaped(py_name).replace("_", "-")


def _no_such(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name.replace("_", "-").lower(), names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names) or 'none'}"
    return f"there is no {what} {name!r}; {hint}"


def _percent(text: str) -> str:
    """Text for argparse, which reads percent signs as places for values."""
    return text.replace("%", "%%")


def _description(text: str) -> str:
    """The same for texts in which argparse replaces the program's name only."""
    return _percent(text) if "%(prog)" in text else text
