"""`kangqiao audit`: the chains of the audit written out, and checked by whoever holds the file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from kangqiao.engines.audit.verify import heads_kept
from kangqiao.engines.audit.verify import verify as check
from kangqiao.kernel.errors import RuleBroken

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
DATA = click.option("--data", default=lambda: os.environ.get("KANGQIAO_DATA", "var"), help="The data folder.")


@click.group()
def audit() -> None:
    """The audit: export it, check an export, the key its heads are signed with."""


@audit.command()
@click.argument("file", type=FILE)
@click.option("--key", "keys", type=FILE, multiple=True, help="A public key (PEM) heads may be signed with.")
@click.option("--heads", type=FILE, multiple=True, help="Heads kept elsewhere: the public page, or another's export.")
def verify(file: Path, keys: tuple[Path, ...], heads: tuple[Path, ...]) -> None:
    """Check the export FILE; needs neither the database nor this site. Ends with 1 when something is wrong."""
    try:
        pems = [path.read_text(encoding="utf-8") for path in keys]
        kept = [head for path in heads for head in heads_kept(path.read_text(encoding="utf-8").splitlines(True))]
        with file.open(encoding="utf-8", errors="surrogateescape") as lines:
            report = check(lines, heads=kept, keys=pems)
    except (ValueError, KeyError) as error:
        raise RuleBroken(f"A key or a file of heads cannot be read: {error}.") from error
    for remark in report.remarks:
        click.echo(f"· {remark}")
    for problem in report.problems:
        click.echo(f"✗ {problem}", err=True)
    click.echo(f"{report.chains} chains, {report.rows} rows, {report.heads} heads: {_verdict(report.is_sound)}")
    sys.exit(0 if report.is_sound else 1)


def _verdict(is_sound: bool) -> str:
    return "as it was sealed" if is_sound else "NOT as it was sealed"


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--organization", "code", help="One organisation by its code; `site` is the chain of the system itself.")
@click.option("--since", type=DAY, help="What was sealed from this day (or minute) on.")
@click.option("--until", type=DAY, help="What was sealed before this day (or minute).")
@click.option("--format", "form", type=click.Choice(("chain", "fhir")), default="chain", show_default=True)
@DATA
def export(file: Path, code: str | None, since: datetime | None, until: datetime | None, form: str, data: str) -> None:
    """Write the chains to FILE: with their hashes, for `verify`, or as FHIR R4 AuditEvents (one a line)."""
    with _site(data):
        from django.conf import settings

        from kangqiao.edges.audit import exporting

        count = exporting.to_file(
            file, code=code, since=since, until=until, as_fhir=form == "fhir", site=settings.ALLOWED_HOSTS[0]
        )
    click.echo(f"{count} rows written to {file}. It names people; keep it safe.")


@audit.command()
@DATA
def key(data: str) -> None:
    """Print the public key of this site's heads, to be handed to whoever checks."""
    with _site(data):
        from kangqiao.base.signing import signer

        click.echo(signer().public_pem, nl=False)


@audit.command()
@click.option("--reason", required=True, help="Why the database was put back to an earlier moment, and by whom.")
@DATA
def restored(reason: str, data: str) -> None:
    """Say in every chain that the database was put back, after a restore or a point-in-time recovery."""
    with _site(data):
        from django.utils import timezone

        from kangqiao.base import sealing
        from kangqiao.base.acting import as_system

        with as_system("audit-restored") as by:
            sealing.seal(at=timezone.now())
            count = sealing.note_restore(reason=reason, by=by, at=timezone.now())
            sealing.seal(at=timezone.now())
    click.echo(f"Noted in {count} chains.")


@contextmanager
def _site(data: str) -> Iterator[Any]:
    """Django on the site's database; only the commands that need it load it."""
    from kangqiao.base.server.site import Site

    site = Site.at(data)
    with site.database() as url:
        os.environ.update(site.environment(url))
        import django

        django.setup()
        yield site
