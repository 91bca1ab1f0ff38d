"""The role web server and worker connect as: it owns nothing, so policies bind it and the audit cannot be rewritten.

The owner of the tables migrates, backs up and restores. This role reads and writes rows, as far as policies let it; it
changes no table, no trigger, no policy, and nothing that is written once. What it may do is granted anew at each
start, because a restored backup brings tables without privileges.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from kangqiao.base.server import address
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.problems import DatabaseProblem

ROLE = "kangqiao_app"
# Names a login of the user's own making, for a server where ours may make none.
VARIABLE = "KANGQIAO_APPLICATION_URL"
FILE = "application-password"
LONGEST_NAME = 63
SUFFIX = "_app"
ATTRIBUTES = sql.SQL("LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS")
# Tables that only migrations write, and those that only the launcher reads.
READ_ONLY = ("django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions")
CLOSED = ("kangqiao_setup",)

# Everything anew in one statement, so that nobody ever finds half of it.
PRIVILEGES = """
DO $body$
DECLARE
  named text;
  place record;
BEGIN FOR named IN {roles} LOOP
  IF NOT has_database_privilege(named, current_database(), 'CONNECT') THEN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), named);
  END IF;
  IF NOT has_schema_privilege(named, 'public', 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', named);
  END IF;
  EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO %I', named);
  FOR place IN
    SELECT c.relname, c.relname = ANY ({closed}) AS is_closed, c.relname = ANY ({read_only}) AS is_read_only,
           EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = c.oid AND t.tgname = 'kangqiao_append_only') AS is_written_once
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND pg_get_userbyid(c.relowner) = current_user
     ORDER BY c.relname
  LOOP
    EXECUTE format('REVOKE ALL ON TABLE %I FROM %I', place.relname, named);
    CONTINUE WHEN place.is_closed;
    EXECUTE format('GRANT %s ON TABLE %I TO %I',
                   CASE WHEN place.is_read_only THEN 'SELECT' WHEN place.is_written_once THEN 'SELECT, INSERT'
                        ELSE 'SELECT, INSERT, UPDATE, DELETE' END, place.relname, named);
  END LOOP;
END LOOP; END $body$"""
# Whoever was let write the audit is an application: it gets the rest again, too, when tables were made anew.
THERE = """
SELECT DISTINCT pg_get_userbyid(held.grantee) FROM pg_class c, aclexplode(c.relacl) held
 WHERE c.oid = to_regclass('public.base_auditevent') AND held.privilege_type = 'INSERT'
   AND held.grantee NOT IN (0, c.relowner)"""
# Who one is, whether policies let one pass, and where.
STANDING = """
SELECT current_user::text, r.rolsuper OR r.rolbypassrls, pg_has_role(current_user, {owner}, 'MEMBER'),
       current_database()::text
  FROM pg_roles r WHERE r.rolname = current_user"""


def privileges(role: str = "") -> sql.Composed:
    """The statement, run as the owner, after which a role may do what it must and nothing else.

    Without a name it is for every role that serves the database already.
    """
    lists = {name: sql.Literal(list(tables)) for name, tables in (("read_only", READ_ONLY), ("closed", CLOSED))}
    roles = sql.SQL("SELECT {}::text").format(sql.Literal(role)) if role else sql.SQL(THERE)
    return sql.SQL(PRIVILEGES).format(roles=roles, **lists)


def grant(url: str, application_url: str) -> None:
    """Gives the application's login its privileges on the owner's tables; repeating it changes nothing."""
    with psycopg.connect(application_url) as connection:
        role = connection.info.user
    with psycopg.connect(url) as connection:
        connection.execute(privileges(role))


def create(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str = "") -> None:
    """Makes the role, or gives the one that is there its attributes and its password again."""
    there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = sql.SQL("ALTER ROLE {} " if there else "CREATE ROLE {} ").format(sql.Identifier(role))
    secret = sql.SQL(" PASSWORD {}").format(sql.Literal(password)) if password else sql.SQL("")
    connection.execute(verb + ATTRIBUTES + secret)


def beside(url: str, folder: DataFolder) -> str:
    """The application's address on a server of the user's own: what the environment names, or a role made for it.

    Raises DatabaseProblem with what the keeper of that server has to do.
    """
    wanted = os.environ.get(VARIABLE, "").strip()
    if not wanted:
        role = role_for(url)
        wanted = with_login(url, role, password_in(folder))
        if not answers(wanted):
            with refused_in_words(role), psycopg.connect(url, autocommit=True) as connection:
                create(connection, role, password_in(folder))
    require_bound(wanted, url)
    return wanted


def role_for(url: str) -> str:
    """The role's name beside a database of that address: two sites on one server have one each."""
    return f"{conninfo_to_dict(url).get('dbname') or 'kangqiao'}"[: LONGEST_NAME - len(SUFFIX)] + SUFFIX


def with_login(url: str, role: str, password: str) -> str:
    """The same database by another login, as an address."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    database = quote(parts.pop("dbname", ""), safe="")
    for name in ("user", "password", "passfile"):
        parts.pop(name, None)
    return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@/{database}?{urlencode(parts)}"


def password_in(folder: DataFolder) -> str:
    """The password of the site's own role: random, made once, readable by the owner of the data folder only."""
    folder.create()
    place = folder.path / FILE
    with contextlib.suppress(FileExistsError):
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return place.read_text().strip()


def answers(url: str) -> bool:
    """Whether one can sign in with it."""
    try:
        with psycopg.connect(url, connect_timeout=address.CONNECT_SECONDS):
            return True
    except psycopg.OperationalError:
        return False


@contextlib.contextmanager
def refused_in_words(role: str) -> Iterator[None]:
    """A role that may not be made is a sentence with what to do."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseProblem(
            "Web server and worker need a login of their own that owns nothing, and that of DATABASE_URL may make none."
            f" {address.UNTOUCHED}",
            next_step=f"Run as the server's keeper: CREATE ROLE {role} LOGIN PASSWORD '…'; and set {VARIABLE} to its"
            " address.",
        ) from error


def require_bound(url: str, owner_url: str) -> None:
    """Refuses a login that policies do not bind, or that leads to another database than the owner's."""
    with psycopg.connect(owner_url) as connection:
        owner, database = connection.info.user, connection.info.dbname
    try:
        with psycopg.connect(url, connect_timeout=address.CONNECT_SECONDS) as connection:
            row = connection.execute(sql.SQL(STANDING).format(owner=sql.Literal(owner))).fetchone()
    except psycopg.Error as error:
        raise DatabaseProblem(
            f"The application's login {address.without_password(url)} cannot be used: {str(error).strip()}.",
            next_step=f"Set {VARIABLE} to the address of a login that owns nothing.",
        ) from error
    assert row is not None
    role, passes, is_owner, there = row
    if passes or is_owner or there != database:
        raise DatabaseProblem(
            f"The login {role} may not serve the site: policies would not bind it, or it leads to another database."
            f" {address.UNTOUCHED}",
            next_step=f"Set {VARIABLE} to a login of {database} without SUPERUSER and BYPASSRLS, no member of {owner}.",
        )
