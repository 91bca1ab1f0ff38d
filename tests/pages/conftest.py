"""The city whose pages are looked at, served from a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from pytest_django.live_server_helper import LiveServer

from tests.access_matrix.cells import Address
from tests.access_matrix.world import Side, two_sides
from tests.journey_plugin import database


@dataclass(frozen=True)
class City:
    """Its rows, and the address of its pages."""

    side: Side
    url: str

    def cookies(self, role: str | None, language: str) -> list[dict[str, Any]]:
        """The session of somebody in a role, and the language of the pages."""
        found = [{"name": "kq-language", "value": language, "url": self.url}]
        if role:
            client = Client()
            client.force_login(self.side.users[role])
            found.append({"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.url})
        return found

    def is_page(self, role: str | None, address: Address) -> bool:
        """Whether a role is shown a page there: no file, no refusal."""
        client = Client(raise_request_exception=False)
        if role:
            client.force_login(self.side.users[role])
        answer = client.get(address.on(self.side))
        if answer.streaming:
            b"".join(answer)  # type: ignore[arg-type]
        answer.close()
        return answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/html")


@pytest.fixture(scope="module")
def city(django_db_setup: None, django_db_blocker: Any) -> Iterator[City]:
    """A city with one row of every kind."""
    name = connection.settings_dict["NAME"]
    # A run of these alone has set up no test database.
    template = name if name.startswith("test_") else "template1"
    with (
        django_db_blocker.unblock(),
        database(f"test_{name}_pages", template),
        override_settings(DEMO="zhuhai"),
    ):
        call_command("migrate", verbosity=0)
        ours, _stranger = two_sides()
        server = LiveServer("127.0.0.1")
        try:
            yield City(ours, server.url)
        finally:
            server.stop()
