"""`kangqiao access`: who may open what, as the workbook a bureau asks for, written from what the pages declare."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import openpyxl
import xlsxwriter

from kangqiao.edges.commands.addresses import AREAS, PAGES

FILE = click.Path(path_type=Path, dir_okay=False)
Table = list[tuple[str, ...]]

# How far a role reaches, as a cell says it.
CELLS = {"all": "✓", "related": "关联", "own": "本单位", "": "✗"}
LEGEND: Table = [
    ("记号", "含义"),
    ("✓", "可以打开；清单只列出本岗位能看的内容"),
    ("本单位", "只限本人、本单位、本辖区的"),
    ("关联", "本单位的，以及有协议、派驻、依据（预约、转诊、就诊等）或在所管地区的"),
    ("✗", "不能打开"),
    ("看", "打开一页或下载"),
    ("办", "提交一张表单；办理的每一步还要看这一步归谁办，见 docs/states"),
    ("先再验证", "先再证明一次是本人，才能看或办"),
    ("", "双方关系结束后：个人信息随依据一起关闭；协议、派驻、坐诊和经费的历史，当事双方仍可查看。"),
]


@click.command()
@click.option("--write", type=FILE, help="Write the workbook, such as docs/access-matrix.xlsx.")
@click.option("--check", type=FILE, help="End with 1 unless that workbook says what the pages declare.")
def access(write: Path | None, check: Path | None) -> None:
    """The access matrix: every address, what it is about, and how far each role reaches there."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kangqiao.config.settings")
    django.setup()
    if write:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_bytes(workbook())
        click.echo(f"{sum(len(rows) - 1 for rows in tables().values())} addresses written to {write}")
    elif check:
        if not check.exists() or read(check) != {"说明": LEGEND, **tables()}:
            click.echo(f"stale: {check}; run `kangqiao access --write {check}`", err=True)
            sys.exit(1)
        click.echo(f"{check} is up to date")
    else:
        for area, rows in tables().items():
            for row in rows[1:]:
                click.echo("  ".join((area, *row)))


def tables() -> dict[str, Table]:
    """Area → head and rows: address, what it is, method, then how far each role reaches."""
    from kangqiao.base.checks import declared, methods, patterns
    from kangqiao.domain.accounts.models import Role

    head = ("地址", "内容", "看/办", "未登录", *(str(_plain(role.label)) for role in Role))
    found: dict[str, Table] = {}
    for route, pattern in patterns():
        rule, name, area = declared(pattern), pattern.name or route, area_of(pattern.callback.__module__)
        if area == AREAS["gallery"]:
            continue  # there in a demonstration only; the workbook is about a site in use
        assert rule is not None
        if name not in PAGES:
            raise click.ClickException(
                f"/{route} ({name}) has no words in edges.commands.addresses.PAGES: say what it is"
            )
        allowed = methods(pattern)
        ways = "/".join(word for word, method in (("看", "GET"), ("办", "POST")) if method in allowed)
        ways += "，先再验证" if rule.step_up else ""
        kinds = _kinds(name, tuple(pattern.pattern.converters))
        anybody = CELLS["all" if rule.admits(None) else ""]
        cells = (_cell(rule.admits(role.value), role.value, kinds) for role in Role)
        rows = found.setdefault(area, [head])
        rows.append((f"/{_shown(route)}", PAGES[name], ways, anybody, *cells))
    return dict(sorted(found.items()))


def area_of(module: str) -> str:
    """The area of a view by the package it lies in."""
    return AREAS.get(module.split(".")[2], module.split(".")[2])


def _plain(label: object) -> str:
    from django.utils import translation

    with translation.override("zh-hans"):
        return str(label)


def _kinds(name: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    from kangqiao.pathways.reach import kind_of

    return tuple(kind for argument in arguments if (kind := kind_of(name, argument)))


def _cell(admits: bool, role: str, kinds: tuple[str, ...]) -> str:
    from kangqiao.pathways.reach import ALL, KINDS, OWN, RELATED

    if not admits:
        return CELLS[""]
    reaches = [KINDS[kind].of(role) for kind in kinds if not KINDS[kind].is_public]
    narrowest = next((level for level in ("", OWN, RELATED) if level in reaches), ALL)
    return CELLS[narrowest]


def _shown(route: str) -> str:
    """An address with the names of its arguments, as a reader writes them."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def workbook() -> bytes:
    """The workbook: a sheet that explains, then one for each area; the same bytes for the same declarations."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "康桥 访问权限矩阵", "created": datetime(2026, 1, 1)})  # noqa: DTZ001 (a fixed date)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    shades = {"✗": "#F3D9D9", "本单位": "#FBF0CF", "关联": "#DDEBF7", "✓": "#DCEFDC"}
    looks = {cell: book.add_format({"bg_color": shade, "align": "center"}) for cell, shade in shades.items()}
    for area, rows in _sheets():
        page = book.add_worksheet(area)
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                page.write_string(line, column, cell, bold if line == 0 else looks.get(cell))
        page.set_column(0, 1, 40)
        page.set_column(2, max(2, len(rows[0]) - 1), 9)
        page.freeze_panes(1, 2 if len(rows[0]) > 2 else 0)
        page.set_landscape()
    book.close()
    return content.getvalue()


def _sheets() -> Iterator[tuple[str, Table]]:
    yield "说明", LEGEND
    yield from tables().items()


def read(file: Path) -> dict[str, Table]:
    """What a workbook says, sheet by sheet."""
    book = openpyxl.load_workbook(file)
    return {
        page.title: [tuple(str(cell or "") for cell in row) for row in page.iter_rows(values_only=True)]
        for page in book
    }
