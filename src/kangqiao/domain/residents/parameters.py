"""What the region's settings say about access: how long a basis outlasts its cause, when wide reading is noticed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache

from kangqiao import policy as papers
from kangqiao.policy import Policy

TOPIC = "access"
# The pack that names the specially protected conditions; it holds everywhere.
SENSITIVITY_PACK, SENSITIVITY_FILE = "cn-national", "sensitivity"


@dataclass(frozen=True, slots=True)
class AccessParameters:
    """Terms of the bases, the age until which a guardian decides, and the limits of wide reading."""

    after: timedelta
    break_glass: timedelta
    guardian_until_years: int
    wide_minutes: int
    wide_alert: int
    wide_block: int
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> AccessParameters:
        """The settings of a place on a day. Raises NoPolicyInForce."""
        return cls(
            after=timedelta(days=policy.integer(TOPIC, "basis_after_days")),
            break_glass=timedelta(hours=policy.integer(TOPIC, "break_glass_hours")),
            guardian_until_years=policy.integer(TOPIC, "guardian_until_years"),
            wide_minutes=policy.integer(TOPIC, "wide_reading_minutes"),
            wide_alert=policy.integer(TOPIC, "wide_reading_alert"),
            wide_block=policy.integer(TOPIC, "wide_reading_block"),
            ref=str(policy.value(TOPIC, "basis_after_days").ref),
        )


# Asked with every booking and every list; two years of days for a few places fit.
@lru_cache(maxsize=4096)
def access_at(place_code: str, day: date) -> AccessParameters:
    """The settings of a place on a day. Raises NoPolicyInForce."""
    return AccessParameters.read(papers.at(place=place_code, date=day))


@dataclass(frozen=True, slots=True)
class SensitiveGroup:
    """Conditions under special protection: ICD-10 categories from the first to the last of each range.

    `words` find them in what doctors write instead of a code, `drugs` are the ATC codes of medicines for nothing else.
    """

    key: str
    ranges: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    drugs: tuple[str, ...]

    @property
    def medicines(self) -> str:
        """One regular expression that finds a medicine given for nothing but the group, by its ATC code."""
        return f"^({'|'.join(self.drugs)})"

    @property
    def pattern(self) -> str:
        """One regular expression, for Python and PostgreSQL, that finds the group in a code or a text."""
        codes = [
            f"{first[0]}{number:02d}"
            for first, last in self.ranges
            for number in range(int(first[1:]), int(last[1:]) + 1)
        ]
        return f"^({'|'.join(codes)})|{'|'.join(self.words)}"

    def holds(self, text: str) -> bool:
        """Whether a code such as `F20.0`, or a text, tells of the group."""
        return re.search(self.pattern, text, re.IGNORECASE) is not None

    def is_drug(self, code: str) -> bool:
        """Whether an ATC code is of a medicine given for nothing but the group."""
        return code.startswith(self.drugs)


@cache
def sensitive_groups() -> tuple[SensitiveGroup, ...]:
    """The specially protected groups of the national pack, each with its source there."""
    rows = papers.default().pack(SENSITIVITY_PACK).data(SENSITIVITY_FILE)["groups"]
    return tuple(
        SensitiveGroup(
            row["key"], tuple((one[0], one[1]) for one in row["ranges"]), tuple(row["words"]), tuple(row["drugs"])
        )
        for row in rows
    )
