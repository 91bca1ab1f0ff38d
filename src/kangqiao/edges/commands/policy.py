"""`kangqiao policy`: are the packs right, what holds where and when, how do two papers differ."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import click

from kangqiao import policy as packs_api
from kangqiao.kernel.errors import KangqiaoError

PATH = click.Path(path_type=Path, file_okay=False)
DAY = click.DateTime(["%Y-%m-%d"])
FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
PACKS = click.option("--packs", "folder", type=PATH, help="Folder of the packs; default: the packs of this product.")


@click.group()
def policy() -> None:
    """Policy packs: the papers as data."""


@policy.command()
@PACKS
def check(folder: Path | None) -> None:
    """Check every pack; names file and line of each fault and ends with 1 when there is one."""
    folder = folder or packs_api.default_path()
    problems = packs_api.check(folder)
    for problem in problems:
        click.echo(str(problem))
    if problems:
        click.echo(f"{len(problems)} fault(s) in {folder}", err=True)
        sys.exit(1)
    packs = packs_api.load(folder)
    values = sum(len(dated) for pack in packs.packs.values() for dated in pack.entries.values())
    click.echo(f"{len(packs.packs)} packs, {values} values, {len(packs.clauses())} clauses: all right")


@policy.command()
@click.argument("place")
@click.argument("day", metavar="DATE", type=DAY)
@click.argument("topic", required=False)
@FORMAT
@PACKS
def show(place: str, day: datetime, topic: str | None, form: str, folder: Path | None) -> None:
    """What holds at PLACE (GB/T 2260 code) on DATE, for one TOPIC or all.

    Settings, chosen where the paper gives no figure, are marked 设定 with their reason.
    """
    held = _policy(place, day.date(), folder)
    values = held.values(topic)
    if topic and not values:
        _fail(f"No topic '{topic}' holds at {place} on {day.date()}; there are: {', '.join(held.topics())}")
    if form == "json":
        click.echo(as_json([_plain(value) for value in values]))
        return
    click.echo(f"{place} · {day.date()} · {held.ref} · looked at {', '.join(pack.id for pack in held.looked_at)}\n")
    rows = [
        (f"{v.topic}.{v.key}", written(v.value), v.unit, v.force, v.clause, "设定" if v.setting else "文件", v.reason)
        for v in values
    ]
    echo_table(("key", "value", "unit", "force", "clause", "from", "reason"), rows)


@policy.command()
@click.argument("a")
@click.argument("b")
@click.option("--on", "day", type=DAY, required=True, metavar="DATE", help="The day to compare.")
@FORMAT
@PACKS
def diff(a: str, b: str, day: datetime, form: str, folder: Path | None) -> None:
    """Where A and B differ on a day. Each is a pack id, a place code, or the folder of a pack version."""
    try:
        packs = packs_api.load(folder) if folder else packs_api.default()
        rows = packs_api.diff(a, b, day.date(), packs)
    except KangqiaoError as error:
        _fail(str(error))
    if form == "json":
        shown = [
            {"topic": r.topic, "key": r.key, "a": _plain(r.a) if r.a else None, "b": _plain(r.b) if r.b else None}
            for r in rows
        ]
        click.echo(as_json(shown))
        return
    echo_table(("key", a, b), [(f"{row.topic}.{row.key}", _side(row.a), _side(row.b)) for row in rows])
    click.echo(f"\n{len(rows)} difference(s) on {day.date()}")


def echo_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print plain columns, Chinese characters counted as two wide."""
    table = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(_width(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        cells = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def as_json(content: Any) -> str:
    """Content as readable JSON; dates and exact decimals as text and number."""
    return json.dumps(content, ensure_ascii=False, indent=1, default=_json)


def written(value: Any) -> str:
    """A policy value on one line."""
    if isinstance(value, tuple):
        return ", ".join(written(item) for item in value)
    if hasattr(value, "items"):
        return " ".join(f"{key}={written(item)}" for key, item in value.items())
    return str(value)


def _policy(place: str, day: date, folder: Path | None) -> packs_api.Policy:
    try:
        return packs_api.at(place, day, packs_api.load(folder) if folder else None)
    except KangqiaoError as error:
        _fail(str(error))


def _side(value: packs_api.Value | None) -> str:
    if value is None:
        return "—"
    return f"{written(value.value)} {value.unit} ({value.clause or value.pack}{' 设定' if value.setting else ''})"


def _plain(value: packs_api.Value) -> dict[str, Any]:
    names = ("topic", "key", "value", "unit", "clause", "force", "setting", "reason", "since", "until", "pack")
    return {name: getattr(value, name) for name in names} | {"ref": str(value.ref)}


def _json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return dict(value)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)
