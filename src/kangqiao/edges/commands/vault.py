"""`kangqiao vault`: copies and journal in a second place, so that a site can go back to any second."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from contextlib import contextmanager

import click

from kangqiao.base.server import recovery
from kangqiao.base.server.postgres import EmbeddedPostgres
from kangqiao.base.server.problems import ServerProblem
from kangqiao.base.server.site import DEFAULT_FOLDER, Site

data_option = click.option("--data", default=DEFAULT_FOLDER, show_default=True, help="The data folder.")


@click.group()
def vault() -> None:
    """Copies and journal in a second place, so that a site can go back to any second."""


@vault.command("open")
@click.argument("folder", type=click.Path(file_okay=False, path_type=pathlib.Path))
@data_option
def open_(folder: pathlib.Path, data: str) -> None:
    """Keep the journal in FOLDER from now on, and put a first copy there. Choose another disk."""
    with served(data) as server:
        opened = recovery.open_vault(server.folder, folder, server)
        place = recovery.copy(server, opened)
    click.echo(f"The vault {opened.path} is open; first copy: {size(place)}. It holds personal data; keep it safe.")


@vault.command()
@data_option
@click.option("--keep", type=click.IntRange(1), default=7, show_default=True, help="How many copies stay.")
def copy(data: str, keep: int) -> None:
    """Put a new copy into the vault; older ones than the last few go, with the journal only they needed."""
    with served(data) as server:
        place = recovery.copy(server, kept(server))
        copies, pieces = recovery.forget(kept(server), keep)
    click.echo(f"Copy: {place} ({size(place)}). Removed: {copies} copies, {pieces} pieces of the journal.")


@vault.command()
@data_option
def status(data: str) -> None:
    """Say how far the vault follows the site; ends with 1 when the journal cannot be put away."""
    with served(data) as server:
        told = recovery.standing(server, kept(server))
    last = f"{told.last_copy:%Y-%m-%d %H:%M:%S} UTC" if told.last_copy else "none"
    piece = f"{told.last_piece:%Y-%m-%d %H:%M:%S} UTC" if told.last_piece else "none yet"
    click.echo(f"Vault {told.vault.path}: last copy {last}, last piece of the journal {piece}.")
    if told.is_behind:
        raise ServerProblem(
            f"The journal could not be put away, last at {told.last_failure:%Y-%m-%d %H:%M:%S} ({told.failed} times).",
            next_step=f"Free or mount {told.vault.path}; until then the journal fills the site's own disk.",
        )


@contextmanager
def served(data: str) -> Iterator[EmbeddedPostgres]:
    """The embedded server of a data folder, running: the site's own, or started for this command."""
    site = Site.at(data)
    if site.own_url:
        raise ServerProblem(
            "DATABASE_URL names a server of your own; its copies and journal are made by its own means.",
            next_step="kangqiao backup FILE works with every server.",
        )
    if not (site.folder.postgres / "PG_VERSION").exists():
        raise ServerProblem(f"There is no Kangqiao in {site.folder.path}.", next_step="Name its folder with --data.")
    server = EmbeddedPostgres(site.folder)
    server.find_way()
    with site.database():
        yield server


def kept(server: EmbeddedPostgres) -> recovery.Vault:
    """The vault of the site, which must have one."""
    found = recovery.vault_of(server.folder)
    if found is None:
        raise ServerProblem(
            f"The site in {server.folder.path} keeps no vault.", next_step="Open one with: kangqiao vault open FOLDER"
        )
    return found


def size(place: pathlib.Path) -> str:
    """In megabytes."""
    return f"{place.stat().st_size / 1e6:.1f} MB"
