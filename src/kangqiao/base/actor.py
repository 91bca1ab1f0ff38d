"""Who does something: a person at a seat of an organisation, or a named job of the system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """An id with a written name, kept with what was done; `base` knows no user table.

    `organization_id` and `organization` name the seat the person acted from. A job has the id `system:NAME`.
    """

    id: str
    name: str
    organization_id: int | None = None
    organization: str = ""
    role: str = ""

    @classmethod
    def system(cls, name: str) -> Actor:
        """The actor of a named system job, such as `system:lapse-agreements`."""
        return cls(id=f"system:{name}", name=name)

    @property
    def is_system(self) -> bool:
        """Whether a job acts, not a person."""
        return self.id.startswith("system:")
