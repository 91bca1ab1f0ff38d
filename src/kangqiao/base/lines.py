"""Log lines that stay one line, whatever stood in a form."""

from __future__ import annotations

import logging
import re

# Whatever a viewer takes for a new line or an order to the terminal: C0, DEL, C1, line and paragraph separators, bidi.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OneLine(logging.Formatter):
    """A formatter whose message cannot begin a line of its own: such characters are written as \\xNN or \\uNNNN.

    A traceback keeps its lines, each indented by `| `, so that none can pass for a record.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        return escaped(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        """The traceback, line by line."""
        return "\n".join(f"| {escaped(line)}" for line in super().formatException(ei).splitlines())  # type: ignore[arg-type]


def escaped(text: str) -> str:
    """The text with each control character spelled out."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1] if found[0] != "\x85" else "\\x85", text)
