"""`kangqiao backup` and `kangqiao restore`: the whole database in one file."""

from __future__ import annotations

import pathlib
from datetime import UTC, datetime

import click

from kangqiao.base.server import archive
from kangqiao.base.server.postgres import SUPERUSER, EmbeddedPostgres
from kangqiao.base.server.problems import FolderInUse, ServerProblem
from kangqiao.base.server.site import DEFAULT_FOLDER, Site

data_option = click.option("--data", default=DEFAULT_FOLDER, show_default=True, help="The data folder.")
file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=pathlib.Path))


@click.command()
@file_argument
@data_option
@click.option("--force", is_flag=True, help="Replace an existing file.")
def backup(file: pathlib.Path, data: str, force: bool) -> None:
    """Write the database to FILE, also while the site runs."""
    site = Site.at(data)
    if not site.own_url and not (site.folder.postgres / "PG_VERSION").exists():
        raise ServerProblem(f"There is no Kangqiao in {site.folder.path}.", next_step="Name its folder with --data.")
    with site.database() as url:
        size = archive.backup(url, file.absolute(), replace=force)
    click.echo(f"Backup written and read back: {file} ({size / 1e6:.1f} MB). It holds personal data; keep it safe.")


@click.command()
@file_argument
@data_option
@click.option("--force", is_flag=True, help="Replace a database that is not empty; the old one is kept.")
def restore(file: pathlib.Path, data: str, force: bool) -> None:
    """Read FILE into the database of a site that is stopped."""
    archive.verify(file)
    site = Site.at(data)
    if not site.own_url and (holder := site.folder.holder()):
        raise FolderInUse(
            f"A Kangqiao runs on {site.folder.path} (process {holder.get('pid')}). Nothing was changed.",
            next_step=f"Stop it first: kangqiao down --data {site.folder.path}",
        )
    with site.database() as url:
        manager = "" if site.own_url else EmbeddedPostgres(site.folder).url(role=SUPERUSER, database="postgres")
        kept = archive.restore(url, file, at=datetime.now(UTC), force=force, manager_url=manager)
    click.echo(f"Restored from {file}." + (f" The former content is kept as the database {kept}." if kept else ""))
