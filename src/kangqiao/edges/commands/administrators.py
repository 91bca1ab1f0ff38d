"""`kangqiao administrators`: the three an empty site begins with."""

from __future__ import annotations

import json
import os
import sys

import click

from kangqiao.base.server.problems import DatabaseProblem
from kangqiao.base.server.site import DEFAULT_FOLDER, Site
from kangqiao.edges.commands.demo import start_django

OFFICES = {"system_admin": "system administrator", "security_admin": "security administrator"}
OFFICES["audit_admin"] = "audit administrator"
SHAPE = '[{"role": "system_admin", "username": "…", "name": "…", "password": "…"}, …]'


@click.group()
def administrators() -> None:
    """The three administrators: system, security, audit; three persons."""


@administrators.command()
@click.option("--place", required=True, help="Division code of the place (GB/T 2260), such as 4404.")
@click.option("--place-name", required=True, help="Its name, such as 珠海市.")
@click.option("--bureau-name", required=True, help="The health bureau they sit at.")
@click.option("--stdin", is_flag=True, help=f"Read the three from standard input: {SHAPE}")
@click.option("--data", default=lambda: os.environ.get("KANGQIAO_DATA", DEFAULT_FOLDER), help="The data folder.")
def create(place: str, place_name: str, bureau_name: str, stdin: bool, data: str) -> None:
    """Open the first three accounts of a site that has none. Passwords are asked for, never given as arguments."""
    site = Site.at(data)
    if not site.own_url and not site.folder.path.exists():
        raise DatabaseProblem(f"There is no Kangqiao in {data}.", next_step="Name its folder with --data.")
    told = _read() if stdin else [_ask(role, words) for role, words in OFFICES.items()]
    with site.database() as url:
        os.environ.update(site.environment(url))
        start_django()
        from django.utils import timezone

        from kangqiao.base.acting import as_system
        from kangqiao.domain.accounts.actions import Newcomer
        from kangqiao.pathways.set_up_site import set_up_site

        with as_system("administrators") as by:
            made = set_up_site(
                place_code=place, place_name=place_name, bureau_name=bureau_name,
                people=[Newcomer(**one) for one in told], by=by, at=timezone.now(),
            )  # fmt: skip
    click.echo(f"Opened: {', '.join(one.username for one in made)}.")
    click.echo("At the first sign-in each chooses a password of their own and sets a second factor up.")


def _ask(role: str, words: str) -> dict[str, str]:
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked; hand the three over with --stdin.")
    click.echo(f"The {words}:")
    return {
        "role": role,
        "username": click.prompt("  user name"),
        "name": click.prompt("  name"),
        "password": click.prompt("  first password", hide_input=True, confirmation_prompt="  once more"),
    }


def _read() -> list[dict[str, str]]:
    keys = {"role", "username", "name", "password"}
    try:
        told = json.load(sys.stdin)
        is_well = isinstance(told, list) and all(isinstance(one, dict) and one.keys() == keys for one in told)
    except ValueError:
        is_well = False
    if not is_well or not all(isinstance(value, str) for one in told for value in one.values()):
        raise click.UsageError(f"Standard input must hold {SHAPE}")
    return list(told)
