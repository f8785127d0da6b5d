"""Limits of a response: sizes in bytes, counts, and the sizes of reads (rules A13, A15)."""

from __future__ import annotations

from typing import Final

__all__ = [
    "DECODE_INPUT",
    "DECODE_OUTPUT",
    "LONGEST_CODING_NAME",
    "MAX_ERROR_BODY",
    "MAX_EXTRA_ENCODED",
    "MAX_HEAD",
    "MAX_INTERIM",
    "MAX_LINES",
    "MAX_READ",
    "MAX_RESERVED",
    "MIN_READ",
]

MAX_HEAD: Final = 1 << 20
"""Bytes of a response's header block, together with those of the interim responses before it. Also the bytes of all
chunk extensions, and of all trailers."""
MAX_LINES: Final = 1000
"""Header lines of a block, and lines of trailers. A folded line counts as one more."""
MAX_INTERIM: Final = 100
"""Interim (1xx) responses before the final one. RFC 4918 suggests a 102 every 20 seconds: this is half an hour."""

MAX_ERROR_BODY: Final = 1 << 20
"""Decoded bytes of a response with a status other than 200."""
MAX_EXTRA_ENCODED: Final = 1 << 20
"""Bytes by which an encoded body may exceed the limit of the decoded one: data that decodes to nothing ends, too."""
MAX_RESERVED: Final = 1 << 24
"""Bytes of memory reserved for a body because of its Content-Length alone."""
DECODE_INPUT: Final = 1 << 14
"""Encoded bytes per call of zlib, which copies the input that it did not use: larger ones take quadratic time."""
DECODE_OUTPUT: Final = 1 << 18
"""Decoded bytes per call of zlib: the memory that a body can cost beyond its limit."""
LONGEST_CODING_NAME: Final = 1024
"""Characters of a Content-Encoding that an error text repeats."""

MIN_READ: Final = 1 << 16
"""Bytes to ask a socket for while the size of the response is unknown or small."""
MAX_READ: Final = 1 << 18
"""Bytes to ask a socket for while a large body is received."""
