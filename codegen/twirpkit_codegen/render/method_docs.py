"""Summary and policy of an RPC in words, for docstrings, reference pages and the command line."""

from __future__ import annotations

from typing import Final

from twirpkit_codegen.schema.model import Method, Policy

__all__ = ["policy_lines", "summary"]

_DEFAULT_TIMEOUT: Final = 10
"""Timeout in seconds of an RPC whose row has none. `twirpkit.sdk.Method` has the same default; a test compares."""


def summary(method: Method) -> str:
    """Return the first sentence of an RPC's comment, or one that names the RPC."""
    return method.doc.summary or f"Call {method.name}."


def policy_lines(policy: Policy) -> list[tuple[str, str]]:
    """Return grants, retry class and timeout of an RPC as pairs of title and text."""
    key = f", by `{policy.key}`: 16 random bytes, generated for each call that leaves it empty" if policy.key else ""
    lines = [("Retry class", f"{policy.retry}{key}"), ("Timeout", _timeout(policy))]
    if policy.grants is None:
        return lines
    claims = [
        f"`{claim}.{name}`{_shown(value)}" for claim, names in policy.grants.items() for name, value in names.items()
    ]
    return [("Grants", ", ".join(claims) or "none"), *lines]


def _timeout(policy: Policy) -> str:
    default = _DEFAULT_TIMEOUT if policy.timeout is None else policy.timeout
    text = f"{default:g} s, unless the call or its client sets one"
    if policy.wait is None:
        return text
    field, unset, margin = (policy.wait[name] for name in ("field", "default", "margin"))
    when = f"with `{policy.wait['when']}` " if "when" in policy.wait else ""
    least = f"at least `{field}` ({unset:g} s if unset) plus {margin:g} s"
    return f"{text}; {when}{least}, and a shorter one is raised to that"


def _shown(value: object) -> str:
    if isinstance(value, str) and value.startswith("$"):
        return f" of the request's `{value[1:]}`"
    return "" if value is True else f" = {value!r}"
