"""Numbers that carry their own check: citizen id, organisation credit code, health-record number."""

from __future__ import annotations

from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def id_check_digit(first17: str) -> str:
    """The 18th character of a citizen id for its first 17 digits (GB 11643)."""
    return _ID_CHECKS[sum(int(digit) * weight for digit, weight in zip(first17, _ID_WEIGHTS, strict=True)) % 11]


def is_citizen_id(text: str) -> bool:
    """Whether the text is a well-formed citizen id: 18 characters, a real date, a right check digit (GB 11643)."""
    text = text.upper()
    if len(text) != 18 or not text[:17].isascii() or not text[:17].isdigit() or text[17] not in _ID_CHECKS:
        return False
    try:
        birth_date_of(text)
    except ValueError:
        return False
    return id_check_digit(text[:17]) == text[17]


def birth_date_of(citizen_id: str) -> date:
    """The birth date written in a citizen id. Raises ValueError when it is no date."""
    return date(int(citizen_id[6:10]), int(citizen_id[10:12]), int(citizen_id[12:14]))


def sex_of(citizen_id: str) -> str:
    """`male` or `female` as the 17th digit says (FHIR administrative gender)."""
    return "male" if int(citizen_id[16]) % 2 else "female"


def masked(identifier: str) -> str:
    """The identifier with its middle hidden, as pages show it by default."""
    if len(identifier) <= 8:
        return "*" * len(identifier)
    return identifier[:6] + "*" * (len(identifier) - 10) + identifier[-4:]
