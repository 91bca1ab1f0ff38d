"""`kangqiao demo`: the demonstration regions and the invented people who sign in to them."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from functools import partial

import click

from kangqiao.base.server.problems import DatabaseProblem
from kangqiao.base.server.site import DEFAULT_FOLDER, Site


def start_django() -> None:
    """Load the product's modules; only this command's functions need them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kangqiao.config.settings")
    import django

    django.setup()


def wait_until_told() -> None:
    """Load the product, for a database that is still being made; then wait for the line that says it is there."""
    start_django()
    for name in ("kangqiao.pathways.demonstration", "kangqiao.config.urls"):
        importlib.import_module(name)
    if not sys.stdin.readline():
        raise click.Abort  # whoever would have told is gone


@click.group()
def demo() -> None:
    """Demonstration regions; every person in them is invented and marked 演示."""


@demo.command()
@click.argument("name", type=click.Choice(("zhuhai", "all", "none")))
@click.option("--data", default=lambda: os.environ.get("KANGQIAO_DATA", DEFAULT_FOLDER), help="The data folder.")
@click.option("--migrate", is_flag=True, help="Bring the tables up to date first.")
@click.option("--when-told", is_flag=True, hidden=True, help="Load the product, then wait for a line before the rest.")
def load(name: str, data: str, migrate: bool, when_told: bool) -> None:
    """Load a demonstration region; what is there already stays as it is."""
    # Loading makes many objects that stay to the end; looking for others through all of them is a tenth of its time.
    gc.disable()
    site = Site.at(data)
    if when_told:
        wait_until_told()
    with site.database() as url:
        os.environ.update(site.environment(url))
        start_django()
        from django.core.management import call_command
        from django.utils import timezone

        from kangqiao.pathways import demonstration

        if migrate:
            with demonstration.second_process(partial(call_command, "migrate", interactive=False, verbosity=0)):
                demonstration.warm_up()
            click.echo("  tables: migrated")
        # reads the clock: a region is as of the day it is loaded
        told = lambda text: click.echo(f"  {text}")  # noqa: E731 one line says it
        demonstration.load_region(name, today=timezone.localdate(), progress=told, in_two=True)


@demo.command()
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
@click.option("--data", default=lambda: os.environ.get("KANGQIAO_DATA", DEFAULT_FOLDER), help="The data folder.")
def accounts(form: str, data: str) -> None:
    """List the demonstration users by role."""
    site = Site.at(data)
    if not site.own_url and not site.folder.path.exists():
        raise DatabaseProblem(f"There is no Kangqiao in {data}.", next_step="Name its folder with --data.")
    with site.database() as url:
        os.environ.update(site.environment(url))
        start_django()
        from django.db import ProgrammingError

        from kangqiao.pathways import demonstration

        try:
            rows = [dict(row) for row in demonstration.accounts()]
        except ProgrammingError:
            raise DatabaseProblem("This database holds no Kangqiao yet.", next_step="Run `kangqiao up` once.") from None
    if form == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo("  ".join(str(value) for value in row.values()))
