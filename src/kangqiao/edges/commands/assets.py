"""`kangqiao assets`: browser files and compiled translations."""

from __future__ import annotations

import click

from kangqiao.base.server import assets as builder


@click.command()
def assets() -> None:
    """Fetch the locked browser files and compile the translations, where anything changed."""
    root = builder.root_of_checkout()
    if root is None:
        click.echo("The assets are built into this installation.")
        return
    if not builder.build(root, say=lambda text: click.echo(f"· {text}")):
        click.echo("· assets: up to date")
