"""An RPC in words, for docstrings, reference pages and the command line."""

from __future__ import annotations

from typing import Final

from twirpkit_codegen.schema.model import Method, Policy

__all__ = ["policy_lines", "summary"]

_DEFAULT_TIMEOUT: Final = 10
"""Seconds of an RPC whose row has none. (`twirpkit.sdk.Method` has the same; a test compares.)"""


def summary(method: Method) -> str:
    """Return the first sentence of an RPC's comment; where it has none, one that names the RPC."""
    return method.doc.summary or f"Call {method.name}."


def policy_lines(policy: Policy) -> list[tuple[str, str]]:
    """An RPC's grants, retry class and timeout: titles, and what stands there."""
    key = f", by `{policy.key}`: 16 random bytes, made for each call that leaves it empty" if policy.key else ""
    lines = [("Retry class", f"{policy.retry}{key}"), ("Timeout", _timeout(policy))]
    if policy.grants is None:
        return lines
    claims = [
        f"`{claim}.{name}`{_shown(value)}" for claim, names in policy.grants.items() for name, value in names.items()
    ]
    return [("Grants", ", ".join(claims) or "none"), *lines]


def _timeout(policy: Policy) -> str:
    if policy.wait is None:
        default = _DEFAULT_TIMEOUT if policy.timeout is None else policy.timeout
        return f"`timeout` in seconds, None for no limit, else the client's, else {default:g} s"
    field, default, margin = (policy.wait[name] for name in ("field", "default", "margin"))
    when = f"with `{policy.wait['when']}`, " if "when" in policy.wait else ""
    least = f"at least `{field}` ({default:g} s where it is unset) and {margin:g} s more"
    return f"{when}{least}: a shorter `timeout` is raised to that, a longer one and None stay"


def _shown(value: object) -> str:
    if isinstance(value, str) and value.startswith("$"):
        return f" of the request's `{value[1:]}`"
    return "" if value is True else f" = {value!r}"
