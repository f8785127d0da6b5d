"""What a generated method tells its reader: docstrings, and an RPC's policy in words."""

from __future__ import annotations

from typing import Final

from twirpkit_codegen.render import docstrings
from twirpkit_codegen.schema.model import Method, Pages, Policy

__all__ = ["iterator_doc", "method_doc", "policy_lines"]

_RAISES: Final = """\
Raises:
    TwirpError: The call failed; its subclass says how, its `sent` whether the request may have run.
    TypeError, ValueError: The request or an option is malformed; nothing was sent."""

_ITERATOR_RAISES: Final = """\
Raises:
    TypeError, ValueError: The request is malformed; nothing was sent.
    TwirpError: While iterating: a call failed, or the server leads back to a page that it gave before."""


def method_doc(method: Method) -> str:
    """The docstring of a generated method."""
    doc, policy = method.doc, method.policy
    fields = [
        f"    {each.py_name}: {each.doc.text}" for each in method.request_fields if each.name not in method.left_out
    ]
    blocks = [doc.summary or f"Call {method.name}.", *doc.body]
    if method.pages is not None:
        blocks.append(f"`{method.pages.py_name}` goes through all pages.")
    if fields:
        blocks.append("\n".join(["Fields:", *fields]))
    if method.left_out:
        names = ", ".join(f"`{each}`" for each in method.left_out)
        blocks.append(f"Only by message or mapping, because an option of the call has the name: {names}.")
    blocks += ["\n".join(f"{title}: {text}." for title, text in policy_lines(policy)), _RAISES]
    return docstrings.docstring(*blocks, indent=8)


def iterator_doc(method: Method, pages: Pages) -> str:
    """The docstring of the iterator beside a method."""
    return docstrings.docstring(
        f"The `{pages.items}` of all pages of `{method.py_name}`, one after the other.",
        "Arguments are the method's. Each page is a call of its own, made when the items before it are used up, and "
        f"`timeout` is for each. A `{pages.start.partition('.')[0]}` of yours says where to start; the message that "
        "you pass is not changed.",
        _ITERATOR_RAISES,
        indent=8,
    )


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
        default = 10 if policy.timeout is None else policy.timeout
        return f"`timeout` in seconds, None for no limit, else the client's, else {default:g} s"
    field, default, margin = (policy.wait[name] for name in ("field", "default", "margin"))
    when = f"with `{policy.wait['when']}`, " if "when" in policy.wait else ""
    least = f"at least `{field}` ({default:g} s where it is unset) and {margin:g} s more"
    return f"{when}{least}: a shorter `timeout` is raised to that, a longer one and None stay"


def _shown(value: object) -> str:
    if isinstance(value, str) and value.startswith("$"):
        return f" of the request's `{value[1:]}`"
    return "" if value is True else f" = {value!r}"
