"""`kangqiao outbound URL`: what becomes of a call of the site's to an address, tried once."""

from __future__ import annotations

import http.client
import os

import click

from kangqiao.base.server.problems import ServerProblem


@click.command()
@click.argument("url")
def outbound(url: str) -> None:
    """Try an address of KANGQIAO_OUTBOUND the way the site calls it, before something depends on it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kangqiao.config.settings")
    import django

    django.setup()
    from kangqiao.base.outbound import call

    try:
        answer = call("GET", url)
    except (OSError, http.client.HTTPException) as error:
        raise ServerProblem(f"{url} is allowed, but does not answer: {error}") from error
    click.echo(f"{url} answers {answer.status} with {len(answer.body)} bytes.")
