"""`kangqiao manage …`: Django's own commands, with the site's database."""

from __future__ import annotations

import os
import sys

import click

from kangqiao.base.server import door
from kangqiao.base.server.site import DEFAULT_FOLDER, Site


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def manage(arguments: tuple[str, ...]) -> None:
    """Run one of Django's commands on the site's database (data folder: KANGQIAO_DATA)."""
    site = Site.at(os.environ.get("KANGQIAO_DATA", DEFAULT_FOLDER))
    if site.own_url:
        run_django(arguments)
        return
    with site.database() as url:
        os.environ.update(site.environment(url))
        run_django(arguments)


def run_django(arguments: tuple[str, ...]) -> None:
    """Hand over to Django; a process of a site that is being set up loads the product and waits for its turn."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kangqiao.config.settings")
    if door.is_there():
        import django

        django.setup()
        door.wait()
    from django.core.management import execute_from_command_line

    execute_from_command_line([f"{os.path.basename(sys.argv[0])} manage", *arguments])
