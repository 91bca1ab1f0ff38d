"""`kangqiao clauses`: every clause of the papers, where it is in the product, its tests and its state."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kangqiao import policy as packs_api
from kangqiao.edges.commands.policy import as_json, echo_table
from kangqiao.kernel.errors import KangqiaoError
from kangqiao.policy import register as clause_register


@click.command()
@click.option("--pack", help="One paper only, by pack id or code (ZH, SZ16, …).")
@click.option("--priority", type=click.Choice(["core", "important", "supporting"]), help="One priority only.")
@click.option("--state", type=click.Choice(["verified", "built", "open"]), help="One state only.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--results", type=click.Path(path_type=Path), help="Outcomes of the last full test run.")
@click.option(
    "--write-docs", type=click.Path(path_type=Path), help="Write the generated page, such as docs/clauses.md."
)
@click.option("--check-docs", type=click.Path(path_type=Path), help="End with 1 unless the page is up to date.")
def clauses(
    pack: str | None,
    priority: str | None,
    state: str | None,
    form: str,
    results: Path | None,
    write_docs: Path | None,
    check_docs: Path | None,
) -> None:
    """Every clause of the policy papers with priority, force, module, place in the product, tests and state.

    verified: a marked test passed in the last full run of exactly these sources. built: a place or a marked test
    exists. open: neither. `kangqiao policy check` and the tests refuse marks and places that name no clause.
    """
    try:
        packs = packs_api.default()
        register = clause_register.read_tree(clause_register.source_root(), packs, results)
    except KangqiaoError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    page = clause_register.docs_page(packs, register)
    if write_docs:
        write_docs.write_text(page, encoding="utf-8")
        click.echo(f"{write_docs} written")
    elif check_docs:
        _check(check_docs, page)
    else:
        _show(register, pack, priority, state, form)


def _check(path: Path, page: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != page:
        click.echo(f"{path} is stale: run `kangqiao clauses --write-docs {path}`", err=True)
        sys.exit(1)
    click.echo(f"{path} is up to date")


def _show(
    register: clause_register.Register, pack: str | None, priority: str | None, state: str | None, form: str
) -> None:
    rows = register.of_pack(pack) if pack else register.rows
    if not rows:
        known = sorted({row.clause.id.split("-")[0] for row in register.rows})
        click.echo(f"There is no pack '{pack}' with clauses; there are: {', '.join(known)}", err=True)
        sys.exit(1)
    rows = tuple(
        row for row in rows if priority in (None, row.clause.priority) and state in (None, row.state)
    )  # fmt: skip
    if form == "json":
        click.echo(as_json([_plain(row) for row in rows]))
        return
    head = ("id", "priority", "force", "module", "place", "tests", "state")
    table = [
        (
            row.clause.id,
            row.clause.priority,
            row.clause.force,
            row.clause.module,
            f"{row.place.zh} {row.place.url}" if row.place else "—",
            f"{row.passed}/{len(row.tests)}",
            row.state,
        )
        for row in rows
    ]
    echo_table(head, table)
    counts = ", ".join(f"{number} {name}" for name, number in register.counts(rows).items())
    click.echo(f"\n{len(rows)} clauses: {counts}")
    if not register.current:
        run = register.results.commit[:10] or "none yet"
        click.echo(
            f"The last full test run ({run}) is not of these sources: nothing counts as verified. Run `make test`."
        )


def _plain(row: clause_register.Row) -> dict[str, object]:
    clause = row.clause
    return {
        "id": clause.id,
        "pack": clause.pack,
        "section": clause.section,
        "zh": clause.zh,
        "priority": clause.priority,
        "force": clause.force,
        "module": clause.module,
        "place": {"zh": row.place.zh, "url": row.place.url, "module": row.place.module} if row.place else None,
        "tests": list(row.tests),
        "passed": row.passed,
        "state": row.state,
    }
