"""The English is complete, and nothing reaches a reader past it."""

from __future__ import annotations

from kangqiao.base import translations


def test_translations_complete() -> None:
    faults = translations.check()

    assert not faults, "\n".join(str(fault) for fault in faults)
