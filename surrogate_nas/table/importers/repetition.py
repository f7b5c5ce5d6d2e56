"""Repetitions in patterns that are taken whole or not at all, on every Python."""

from __future__ import annotations

import sys

# Before 3.11.5 Python matches possessive repetitions of alternatives wrongly (CPython's issue 106052); the atomic group
# that says the same is right there, but takes a fifth longer for a whole import.
POSSESSIVE = sys.version_info >= (3, 11, 5)


def repeated(pattern: bytes, times: bytes = b"+") -> bytes:
    """Return a pattern for a repetition of which nothing is given back once it has matched.

    Args:
        pattern: what is repeated.
        times: b"+", b"*" or b"{n,}".
    """
    return b"(?:%b)%b+" % (pattern, times) if POSSESSIVE else b"(?>(?:%b)%b)" % (pattern, times)
