"""The command line: finds the command, and turns a refusal into a sentence and status 1."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import click

from kangqiao import __version__
from kangqiao.kernel.errors import KangqiaoError

HERE = "kangqiao.edges.commands"
# command: module of this package. A command's function carries its name.
COMMANDS = {
    "up": "up",
    "down": "up",
    "backup": "backup",
    "restore": "backup",
    "vault": "vault",
    "demo": "demo",
    "assets": "assets",
    "manage": "manage",
    "policy": "policy",
    "clauses": "clauses",
    "states": "states",
    "access": "access",
    "audit": "audit",
    "administrators": "administrators",
    "outbound": "outbound",
}


class Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Every command whose file is there."""
        return [name for name, module in COMMANDS.items() if importlib.util.find_spec(f"{HERE}.{module}")]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The function of that name."""
        if name not in self.list_commands(context):
            return None
        command = getattr(importlib.import_module(f"{HERE}.{COMMANDS[name]}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="Kangqiao")
def kangqiao() -> None:
    """Kangqiao: a regional primary-care consortium on one machine."""


def main() -> None:
    """Run the command; a refusal is one clear sentence on standard error and status 1."""
    try:
        kangqiao(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except KangqiaoError as error:
        click.echo(f"✗ {error}", err=True)
        sys.exit(1)
