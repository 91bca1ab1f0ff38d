"""Start-up checks: every URL declares who may open it, every model which of its rows are seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

from kangqiao.base import rows
from kangqiao.base.access import Access


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every URL pattern of the product with its full route."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry


def declared(pattern: URLPattern) -> Access | None:
    """The access declaration of the view behind a pattern, if it has one."""
    found = getattr(pattern.callback, "access", None)
    return found if isinstance(found, Access) else None


def methods(pattern: URLPattern) -> tuple[str, ...]:
    """The request methods a view takes, as its `require_…` decorator says; empty when it has none."""
    view: Any = pattern.callback
    while view is not None:
        for cell in getattr(view, "__closure__", None) or ():
            found = cell.cell_contents
            if isinstance(found, list | tuple) and found and {"GET", "HEAD", "POST"}.issuperset(map(str, found)):
                return tuple(found)
        view = getattr(view, "__wrapped__", None)
    return ()


@register()
def every_url_declares_access(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """An undeclared URL is an error: start-up stops."""
    return [
        Error(f"the view of /{route} declares no access", hint='put @access("…") on it', id="kangqiao.E001")
        for route, pattern in patterns()
        if declared(pattern) is None
    ]


@register()
def every_model_declares_its_rows(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """A model without a scope is an error: start-up stops."""
    return [
        Error(f"{label} does not say who sees its rows", hint="put rows = … into its Privacy", id="kangqiao.E002")
        for label in rows.undeclared()
    ]
