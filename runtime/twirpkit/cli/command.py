"""One run of the command line: from an argument list to an exit code.

``argparse`` of the standard library does the parsing, so that a package needs nothing more at run time. The position of
an option says whose it is: before the service it belongs to the client, after the RPC to the request. A field may
therefore be called ``url`` without sending a token anywhere but to the server, and a field that is added to a schema
changes no script.
"""

from __future__ import annotations

import difflib
import importlib
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from twirpkit._config.package_info import PackageInfo, ServiceInfo
from twirpkit._schema.names import unescaped
from twirpkit._suggestion import closest
from twirpkit.cli.client_options import call_options, client_arguments
from twirpkit.cli.help_text import columns, paragraphs
from twirpkit.cli.parsers import Parser, UsageError, client_flags, client_parser, request_parser
from twirpkit.cli.request_options import options_of, request_of
from twirpkit.cli.results import EXIT_CODES, INTERRUPTED, USAGE, exit_code, json_text, print_error, print_output
from twirpkit.errors import TwirpError
from twirpkit.help import Help
from twirpkit.rpc import Method

__all__ = ["main"]

_HELP_FLAGS = ("-h", "--help")


def main(package: PackageInfo, arguments: Sequence[str] | None = None) -> int:
    """Perform the call, or print the help, that an argument list asks for.

    Args:
        package: The generated package.
        arguments: Everything after the program's name; None: the arguments of this process.

    Returns:
        The exit code: 0, or one of `EXIT_CODES`. An error is one line on standard error, never a traceback.
    """
    prog = f"python -m {package.name}"
    try:
        with warnings.catch_warnings():
            # Python shows a deprecation to the author of the calling line only, and that line is in this package.
            warnings.filterwarnings("default", category=DeprecationWarning, module=r"twirpkit\.cli\.")
            warnings.showwarning = lambda message, *_: print_error(f"{prog}: warning: {message}")
            output = _Command(package, prog).run(sys.argv[1:] if arguments is None else arguments)
        return print_output(output, prog)
    except UsageError as error:
        print_error(f"{error.prog}: {error}")
        return USAGE
    except TwirpError as error:
        print_error(f"{prog}: {error}{'; the request may have been executed' if error.sent == 'maybe' else ''}")
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED


class _Command:
    """One run of a package's command line."""

    def __init__(self, package: PackageInfo, prog: str) -> None:
        self.package = package
        self.prog = prog
        self.services = {_spell(service.attribute): service for service in package.services.values()}

    def run(self, arguments: Sequence[str]) -> str:
        """Return the output: a response as JSON, or help."""
        parser = client_parser(self.package, self.prog)
        client, unknown = parser.parse_known_args(arguments)
        command: list[str] = client.command
        if unknown:
            raise UsageError(self.prog, self.unknown_argument(unknown[0], client_flags(self.package)))
        if getattr(client, "help", False) or not command:
            return self.overview(parser)
        service = self.services.get(command[0])
        if service is None:
            raise UsageError(self.prog, _no_such("service", command[0], self.services))
        return self.run_service(service, vars(client), command[1:])

    def run_service(self, service: ServiceInfo, client: Mapping[str, Any], arguments: Sequence[str]) -> str:
        """Return the output of everything after the service's name."""
        prog = f"{self.prog} {_spell(service.attribute)}"
        if not arguments or arguments[0] in _HELP_FLAGS:
            return self.service_overview(service, prog)
        if arguments[0].startswith("-"):
            raise UsageError(prog, self.unknown_argument(arguments[0], []))
        table = self.load(f"_methods.{service.attribute}").METHODS
        methods: dict[str, Method[Any, Any]] = {_spell(method.py_name): method for method in table}
        method = methods.get(arguments[0])
        if method is None:
            raise UsageError(prog, _no_such("RPC", arguments[0], methods))
        return self.run_rpc(service, method, client, arguments[1:])

    def run_rpc(
        self, service: ServiceInfo, method: Method[Any, Any], client: Mapping[str, Any], arguments: Sequence[str]
    ) -> str:
        """Return the output of everything after the RPC's name."""
        prog = f"{self.prog} {_spell(service.attribute)} {_spell(method.py_name)}"
        options = {option.field.name: option for option in options_of(method.request)}
        if set(_HELP_FLAGS).intersection(arguments):
            return request_parser(prog, options.values(), self.help_of(service)[method.py_name]).format_help()
        parsed, unknown = request_parser(prog, options.values()).parse_known_args(arguments)
        if unknown:
            flags = [flag for option in options.values() for flag in (option.flag, option.negative) if flag]
            raise UsageError(prog, self.unknown_argument(unknown[0], [*flags, "--json"]))
        given = {name: texts for name, texts in vars(parsed).items() if name in options}
        document = getattr(parsed, "json:", [None])
        if len(document) > 1:
            raise UsageError(prog, "--json: given twice, but it takes one value")
        try:
            request = request_of(method.request, document[0], [(options[name], given[name]) for name in given])
            response = self.call(service, method, client, request)
        except (ValueError, TypeError, ImportError) as error:
            raise UsageError(prog, str(error)) from None
        return json_text(response, redact="show_secrets" not in client)

    def call(
        self, service: ServiceInfo, method: Method[Any, Any], client: Mapping[str, Any], request: Message
    ) -> Message:
        """Perform the call with a client of its own."""
        facade = getattr(importlib.import_module(self.package.name), self.package.facade)
        options = call_options(client)
        with facade(**client_arguments(self.package, client)) as opened:
            response: Message = getattr(getattr(opened, service.attribute), method.py_name)(request, **options)
        return response

    def overview(self, parser: Parser) -> str:
        """Return the help of the package: options, services and exit codes."""
        summaries = self.load("_help").SERVICES
        rows = [(name, summaries[service.attribute]) for name, service in self.services.items()]
        codes = [(str(code), meaning) for code, _, meaning in sorted(EXIT_CODES, key=lambda line: line[0])]
        return "\n\n".join([parser.format_help().rstrip(), columns("services", rows), columns("exit codes", codes)])

    def service_overview(self, service: ServiceInfo, prog: str) -> str:
        """Return the help of a service: its RPCs."""
        summary = self.load("_help").SERVICES[service.attribute]
        rows = [(_spell(py_name), help.summary) for py_name, help in self.help_of(service).items()]
        parts = [f"usage: {prog} RPC [request option …]", paragraphs(summary), columns("RPCs", rows)]
        return "\n\n".join(part for part in parts if part)

    def help_of(self, service: ServiceInfo) -> Mapping[str, Help]:
        """Return the help texts of a service's RPCs by the names of their methods."""
        texts: Mapping[str, Help] = self.load(f"_help.{service.attribute}").HELP
        return texts

    def load(self, module: str) -> Any:
        """Import a module of the package."""
        return importlib.import_module(f"{self.package.name}.{module}")

    def unknown_argument(self, argument: str, flags: Sequence[str]) -> str:
        """Return the error text for an unknown argument. It never contains the value, which may be a secret."""
        name = argument.partition("=")[0]
        secret = self.package.env.get("api_secret")
        if not name.startswith("-"):
            return "an argument belongs to no option: options begin with --, and a value with spaces needs quotes"
        if name == "--api-secret" and secret is not None:
            return f"a secret is not taken from the command line, which others can read: set {secret}"
        if name in client_flags(self.package) and name not in flags:
            return f"{name} is an option of the client: it stands before the service"
        meant = closest(name, flags)
        return f"there is no option {name}{f'; did you mean {meant}?' if meant else '; --help lists them'}"


def _spell(py_name: str) -> str:
    """Return a Python name as the command line spells it."""
    return unescaped(py_name).replace("_", "-")


def _no_such(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name.replace("_", "-").lower(), names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names) or 'none'}"
    return f"there is no {what} {name!r}; {hint}"
