"""What the packs say about the yearly public list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kangqiao.policy import Policy, Value


@dataclass(frozen=True)
class PublicationParameters:
    """The last day to publish in a year, the month the task opens, the first year, and what is published."""

    publish_by: Value
    task_opens_month: Value
    first_year: Value
    published_fields: Value
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> PublicationParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""
        return cls(
            publish_by=policy.value("publication", "publish_by"),
            task_opens_month=policy.value("publication", "task_opens_month"),
            first_year=policy.value("publication", "publish_first_year"),
            published_fields=policy.value("publication", "published_fields"),
            ref=str(policy.ref),
        )

    def due_on(self, year: int) -> date:
        """The last day to publish in that year, leap years included (SZ16-4.3b)."""
        return self.publish_by.day_in_year(year)
