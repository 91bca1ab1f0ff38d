"""How Django finds the account of a session."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend

from kangqiao.domain.accounts import queries as accounts
from kangqiao.domain.accounts.models import User


class AccountBackend(ModelBackend):
    """Django's own way of signing in by name and password; who a session belongs to is asked with every page."""

    def get_user(self, user_id: int) -> User | None:
        """The account, or None for one that is gone or was switched off."""
        found = accounts.account_of_session(user_id)
        return found if found is not None and self.user_can_authenticate(found) else None
