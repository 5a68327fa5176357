"""The person or program behind a request, as its token says."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    FRONT_DESK = "front_desk"
    CONSULTANT = "consultant"
    FIELD_OFFICER = "field_officer"
    OFFICE_HEAD = "office_head"
    PROVINCE_ANALYST = "province_analyst"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    PUBLIC = "public"


# Those that see the province as a whole, and not only its offices.
PROVINCE_ROLES = (Role.PROVINCE_ANALYST, Role.AUDITOR)


@dataclass(frozen=True)
class Principal:
    """`subject` is opaque; `offices` are Kemendagri codes (the province's roles carry all of its offices)."""

    subject: str
    roles: frozenset[Role]
    offices: tuple[str, ...]

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    @property
    def sees_province(self) -> bool:
        """Whether he sees the province as a whole, and not only its offices."""
        return self.has(*PROVINCE_ROLES)
