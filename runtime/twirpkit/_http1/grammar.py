"""The grammar of header lines, for use in bytes patterns (RFC 9110, sections 5.5 and 5.6.2)."""

from __future__ import annotations

from typing import Final

__all__ = ["NAME_CHARACTER", "VALUE_CHARACTER"]

NAME_CHARACTER: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]"
"""A character of a header name."""
VALUE_CHARACTER: Final = r"[\t\x20-\x7e\x80-\xff]"
"""A byte of a header value, a reason phrase or a chunk extension: no control character but the tab."""
