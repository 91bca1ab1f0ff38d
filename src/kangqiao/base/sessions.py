"""Sessions in the database, as Django keeps them; what every page asks of them is written once for a process."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.db.models import CharField, DateTimeField, QuerySet
from django.utils import timezone

from kangqiao.base.prepared import Prepared, Told, change

# Django takes no shorter key for one either.
_SHORTEST = 8


class SessionStore(DatabaseSessions):
    """Reads and writes a session that is there by one prepared statement each, in the transaction that is open."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Django's own table."""
        return Session

    def _validate_session_key(self, key: str | None) -> bool:
        # A cookie is anybody's words, and no text of the database holds a zero byte.
        return bool(key) and "\x00" not in str(key) and len(str(key)) >= _SHORTEST

    def _get_session_from_db(self) -> Session | None:
        # reads the clock: a session ends by the clock of the server
        found: list[Session] = _living.models(key=self.session_key, now=timezone.now())
        if not found:
            self._session_key = None
        return found[0] if found else None

    def save(self, must_create: bool = False) -> Any:
        """Keeps what changed. Raises UpdateError when the session was ended meanwhile, or cannot be kept."""
        if self.session_key is None or must_create:
            return super().save(must_create=must_create)
        row = self.create_model_instance(dict(self.items()))
        try:
            is_there = change(row, "session_data", "expire_date")
        except DatabaseError as error:
            raise UpdateError from error
        if not is_there:
            raise UpdateError
        return None


@Prepared
def _living() -> QuerySet[Session]:
    now = Told("now", DateTimeField())
    return Session.objects.filter(session_key=Told("key", CharField()), expire_date__gt=now)
