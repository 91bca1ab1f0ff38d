"""The login of pages and jobs on a server of one's own: made where that is allowed, refused where it would pass."""

from __future__ import annotations

import pathlib
import stat
import tempfile
from collections.abc import Iterator

import psycopg
import pytest

from kangqiao.base.server import application
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.for_tests import cache_folder
from kangqiao.base.server.postgres import SUPERUSER, EmbeddedPostgres, initdb_template
from kangqiao.base.server.problems import DatabaseProblem


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server with two databases: the owner of one may make roles, that of the other may not."""
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        folder = DataFolder(pathlib.Path(name) / "data")
        folder.create()
        with EmbeddedPostgres(folder, for_tests=True, template=initdb_template(cache_folder())) as running:
            with psycopg.connect(running.url(role=SUPERUSER, database="postgres"), autocommit=True) as manager:
                for name, may in (("free", "CREATEROLE"), ("bound", "NOCREATEROLE")):
                    manager.execute(f"CREATE ROLE {name} LOGIN {may}")  # type: ignore[call-overload]
                    manager.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0")  # type: ignore[call-overload]
            yield running


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> DataFolder:
    return DataFolder(tmp_path / "site")


def test_a_login_is_made_beside_the_owner_and_kept(server: EmbeddedPostgres, folder: DataFolder) -> None:
    url = server.url(role="free", database="free")

    first, second = application.beside(url, folder), application.beside(url, folder)
    with psycopg.connect(url) as owner:
        owner.execute("CREATE TABLE kept (n int); CREATE TABLE kangqiao_setup (n int)")
    application.grant(url, first)

    secret = folder.path / application.FILE
    assert first == second
    assert secret.read_text() in first
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    with psycopg.connect(first) as connection:
        assert connection.info.user == "free_app"
        connection.execute("INSERT INTO kept VALUES (7)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM kangqiao_setup")


def test_an_owner_who_may_make_none_is_told_what_to_do(server: EmbeddedPostgres, folder: DataFolder) -> None:
    with pytest.raises(DatabaseProblem) as refused:
        application.beside(server.url(role="bound", database="bound"), folder)

    assert "CREATE ROLE bound_app LOGIN" in str(refused.value)
    assert application.VARIABLE in str(refused.value)


@pytest.mark.parametrize(("role", "database"), [(SUPERUSER, "bound"), ("bound", "bound"), ("kangqiao_app", "free")])
def test_a_login_that_policies_do_not_bind_is_refused(
    role: str, database: str, server: EmbeddedPostgres, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(application.VARIABLE, server.url(role=role, database=database))

    with pytest.raises(DatabaseProblem, match="may not serve the site"):
        application.beside(server.url(role="bound", database="bound"), folder)


def test_a_login_of_the_keepers_is_taken(
    server: EmbeddedPostgres, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = server.url(role="kangqiao_app", database="bound")
    monkeypatch.setenv(application.VARIABLE, named)

    assert application.beside(server.url(role="bound", database="bound"), folder) == named
    assert not folder.path.exists()
