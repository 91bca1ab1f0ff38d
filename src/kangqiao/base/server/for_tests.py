"""A private PostgreSQL for the tests, started before Django reads its settings.

Loaded by pytest (`-p kangqiao.base.server.for_tests`). The controller of a parallel run starts one server; its workers
inherit the address and use databases of their own. With KANGQIAO_TEST_DATABASE_URL the user's server is used instead.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from collections.abc import Generator

import pytest

from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.postgres import EmbeddedPostgres, initdb_template

SERVER = pytest.StashKey[EmbeddedPostgres]()


def cache_folder() -> pathlib.Path:
    """Where the finished cluster is kept between runs."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kangqiao"


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Before any other plugin of this phase: pytest-django reads the settings in it."""
    options = early_config.known_args_namespace
    listing = options.help or options.version or "PYTEST_XDIST_WORKER" in os.environ
    if not listing:
        prepare_environment(early_config)
    yield


def prepare_environment(config: pytest.Config) -> None:
    """Database, data folder and secret of this run; nothing of the developer's own site is touched."""
    # Playwright's synchronous interface keeps an event loop in the thread; Django would then refuse every query.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    os.environ["KANGQIAO_SECRET_KEY"] = "only-for-tests"  # noqa: S105 guards nothing
    # A test asks more in a minute than a person does; the limit has tests of its own.
    os.environ["KANGQIAO_REQUESTS_A_MINUTE"] = "1000000"
    home = pathlib.Path(tempfile.mkdtemp(prefix="kangqiao-tests-"))
    (home / "static").mkdir()
    os.environ["KANGQIAO_DATA"] = str(home)
    url = os.environ.get("KANGQIAO_TEST_DATABASE_URL", "")
    if not url:
        server = EmbeddedPostgres(DataFolder(home), for_tests=True, template=initdb_template(cache_folder()))
        server.folder.create()
        config.stash[SERVER] = server
        url = server.start()
    os.environ["DATABASE_URL"] = url
    # WhiteNoise warns of a missing folder, and here a warning is an error.
    (home / "static").mkdir(exist_ok=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server after the last test; a killed run takes it along by itself."""
    if "PYTEST_XDIST_WORKER" in os.environ or SERVER not in config.stash:
        return
    server = config.stash[SERVER]
    server.stop()
    shutil.rmtree(server.folder.path, ignore_errors=True)
