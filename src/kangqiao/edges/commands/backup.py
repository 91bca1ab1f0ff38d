"""`kangqiao backup` and `kangqiao restore`: the whole database in one file, or any second out of a vault."""

from __future__ import annotations

import pathlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from kangqiao.base.server import archive, recovery
from kangqiao.base.server.postgres import SUPERUSER, EmbeddedPostgres
from kangqiao.base.server.problems import FolderInUse, ServerProblem
from kangqiao.base.server.site import DEFAULT_FOLDER, Site

data_option = click.option("--data", default=DEFAULT_FOLDER, show_default=True, help="The data folder.")
HERE = ZoneInfo("Asia/Shanghai")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=pathlib.Path))
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
@click.argument("file", type=click.Path(dir_okay=False, path_type=pathlib.Path), required=False)
@data_option
@click.option("--force", is_flag=True, help="Replace a database that is not empty; the old one is kept.")
@click.option("--from", "vault", type=click.Path(file_okay=False, path_type=pathlib.Path), help="A vault, not a file.")
@click.option("--until", help="With --from: the moment, such as '2026-05-18 09:30:00' (Shanghai time), or latest.")
def restore(file: pathlib.Path | None, data: str, force: bool, vault: pathlib.Path | None, until: str | None) -> None:
    """Read FILE, or a moment out of a vault, into the database of a site that is stopped."""
    if (file is None) == (vault is None) or (vault is None) != (until is None):
        raise click.UsageError("Name a FILE, or a vault with --from FOLDER --until TIME.")
    site = Site.at(data)
    if file is not None:
        archive.verify(file)
    if not site.own_url and (holder := site.folder.holder()):
        raise FolderInUse(
            f"A Kangqiao runs on {site.folder.path} (process {holder.get('pid')}). Nothing was changed.",
            next_step=f"Stop it first: kangqiao down --data {site.folder.path}",
        )
    if file is not None:
        restore_file(site, file, force)
    elif vault is not None and until is not None:
        restore_moment(site, recovery.Vault(vault.absolute()), None if until == "latest" else moment(until), force)


def restore_file(site: Site, file: pathlib.Path, force: bool) -> None:
    """Out of one file."""
    with site.database() as url:
        manager = "" if site.own_url else EmbeddedPostgres(site.folder).url(role=SUPERUSER, database="postgres")
        kept = archive.restore(url, file, at=datetime.now(UTC), force=force, manager_url=manager)
    click.echo(f"Restored from {file}." + (f" The former content is kept as the database {kept}." if kept else ""))


def restore_moment(site: Site, vault: recovery.Vault, until: datetime | None, force: bool) -> None:
    """Out of a vault."""
    if site.own_url:
        raise ServerProblem("DATABASE_URL names a server of your own; a vault belongs to the embedded one.")
    source = vault.copy_before(until)  # said before anything is touched
    if site.folder.postgres.exists() and not force:
        raise ServerProblem(
            f"There is a database in {site.folder.path}. Nothing was changed.",
            next_step="Say --force to put the restored one in its place; the present one is kept beside it.",
        )
    site.folder.lock()
    try:
        last, kept = recovery.restore(site.folder, vault, until=until, at=datetime.now(UTC))
    finally:
        site.folder.release()
    when = f"; its last change is of {last.astimezone(HERE):%Y-%m-%d %H:%M:%S}" if last else ""
    click.echo(f"Restored from {source.name} and the journal{when}.")
    if kept:
        click.echo(f"The former database is kept in {kept}.")


def moment(text: str) -> datetime:
    """A moment as a person writes it; without a zone it is Shanghai time."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no moment; write 2026-05-18 09:30:00.", param_hint="--until") from error
    return read if read.tzinfo else read.replace(tzinfo=HERE)
