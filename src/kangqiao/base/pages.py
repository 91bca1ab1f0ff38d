"""What every page is given by the base: its layout, the reader's language and mode; and the types of its frame.

`reader` is a template context processor. It knows no module: the clock, the rail and the person in the header come from
the processors of `config` and of the edge that knows the roles, which return `now`, `demo`, and
`{"rail": [RailItem, …], "frame": Frame(…)}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from kangqiao.base.shortcuts import SHORTCUTS
from kangqiao.base.templatetags.kq import called
from kangqiao.kernel.states import Step

MODE_COOKIE = "kq_mode"
SCALES = (100, 125, 150, 200)
# An id that no part of an address but the id itself can be.
_STAND_IN = 901_020_301_040


@dataclass(frozen=True, slots=True)
class Display:
    """How somebody wants to read: large plain pages and their size in percent, strong contrast, keys of one letter.

    Written as words with dots between them, such as `elder-150.contrast`, in the cookie and with the account.
    """

    is_elder: bool = False
    scale: int = 100
    has_contrast: bool = False
    has_single_keys: bool = True

    @classmethod
    def read(cls, text: str) -> Display:
        """What a cookie or an account says; a word nobody knows says nothing."""
        words = text.split(".")
        sizes = [size for size in SCALES if f"elder-{size}" in words]
        is_elder = bool(sizes) or "elder" in words
        return cls(is_elder, sizes[0] if sizes else 100, "contrast" in words, "nokeys" not in words)

    def __str__(self) -> str:
        size = (f"elder-{self.scale}" if self.scale > SCALES[0] else "elder") if self.is_elder else "plain"
        return ".".join((size, *["contrast"] * self.has_contrast, *["nokeys"] * (not self.has_single_keys)))


@dataclass(frozen=True, slots=True)
class RailItem:
    """One entry of the left rail (staff) or the bottom bar (residents).

    `icon` is a name of `static/icons.txt`, `label` two to four characters, `badge` the count waiting there.
    """

    url: str
    icon: str
    label: str
    badge: int = 0
    current: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """One role in one organisation the person may sit in; `key` is posted to the switch address as `seat`."""

    key: str
    organisation: str
    role: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Who sits here: header of every staff and resident page. An empty address leaves its control out.

    `unit` is the department or team beside the organisation; `demo` marks an invented person.
    """

    person: str
    role: str = ""
    organisation: str = ""
    unit: str = ""
    demo: bool = False
    seats: Sequence[Seat] = field(default_factory=tuple)
    switch_url: str = ""
    search_url: str = ""
    inbox_url: str = ""
    inbox_count: int = 0
    help_url: str = ""
    sign_out_url: str = ""
    own_url: str = ""

    @property
    def face(self) -> str:
        """The first character of the name, drawn in the round mark."""
        return self.person[:1]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing to do about a row of a worklist: posted from there, or with `opens` a page of its own."""

    label: str
    url: str
    step: str = ""
    opens: bool = False
    needs_reason: bool = False
    primary: bool = False


@cache
def _around(name: str, rest: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(reverse(name, args=(_STAND_IN, *rest)).split(str(_STAND_IN)))


def address_of(name: str, pk: int, *rest: str) -> str:
    """The address of one row's page, or of its step: `reverse`, looked up once for a process and not for each line."""
    return str(pk).join(_around(name, rest))


def verb_of(step: Step, url: str) -> Verb:
    """The button of a step of a state table."""
    return Verb(called(step), url, step.action, needs_reason=step.needs_reason, primary=step.primary)


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs from the paper before: `added`, `removed` or `changed`; what, and each field before and after."""

    kind: str
    what: str
    note: str = ""
    term: str = ""
    fields: tuple[tuple[str | Promise, str, str], ...] = ()
    is_person: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The template a page extends: the whole frame, or the fragment alone when HTMX asks for a part."""

    staff: str
    resident: str
    public: str


WHOLE = Layout(staff="shell.html", resident="resident.html", public="public.html")
PART = Layout(staff="fragment.html", resident="fragment.html", public="fragment.html")


def wants_part(request: HttpRequest) -> bool:
    """Whether HTMX asks for a part of the page; a restored history entry needs the whole one."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def number_in(text: str) -> int | None:
    """The id an address or a form names; None for anything a database would not take as one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def came_from(request: HttpRequest) -> str:
    """The page of ours a form or part asks to go back to (`back`), such as the worklist it stood on; else empty."""
    wanted = request.POST.get("back", "") or request.GET.get("back", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}) and wanted[:1] == "/" else ""


def wants_drawer(request: HttpRequest) -> bool:
    """Whether a worklist asks for what stands in its drawer."""
    return request.headers.get("HX-Target") == "drawer-host"


def undo_tag(url_name: str, *args: object, **fields: str | int) -> str:
    """The tag of a message whose act can be taken back: where 撤销 posts `step=undo`, and with what."""
    given = {name: value for name, value in fields.items() if value != ""}
    return f"undo:{reverse(url_name, args=args)}" + (f"?{urlencode(given)}" if given else "")


def reader(request: HttpRequest) -> dict[str, Any]:
    """`layout`, `display`, `shortcuts` and `lang` for every template."""
    return {
        "layout": PART if wants_part(request) else WHOLE,
        "display": Display.read(request.COOKIES.get(MODE_COOKIE, "")),
        "shortcuts": SHORTCUTS,
        "lang": translation.get_language() or "zh-hans",
    }
