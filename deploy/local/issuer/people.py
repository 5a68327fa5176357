"""The people of the demonstration: each role in each of the eight offices, and the province's."""

from dataclasses import dataclass

from shared.auth.principal import Role

OFFICES = ("35.01", "35.04", "35.07", "35.09", "35.11", "35.75", "35.76", "35.79")
OFFICE_ROLES = (Role.FRONT_DESK, Role.CONSULTANT, Role.FIELD_OFFICER, Role.OFFICE_HEAD)
PROVINCE_ROLES = (Role.PROVINCE_ANALYST, Role.AUDITOR, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Person:
    """`name` is the login (`office_head.35.76`); tokens carry an opaque subject instead of it."""

    name: str
    role: Role
    offices: tuple[str, ...]

    @property
    def client_id(self) -> str:
        """The confidential client under which the same person is simulated (`staff-office_head-35.76`)."""
        return f"staff-{self.role}-{self.offices[0]}" if self.role in OFFICE_ROLES else self.name


def person(role: Role, office: str | None) -> Person:
    """Returns who has this role there. Raises ValueError where role and office do not go together."""
    if role in PROVINCE_ROLES and office is None:
        return Person(role.value, role, OFFICES)
    if role is Role.PUBLIC and office is None:
        return Person(role.value, role, ())
    if role in OFFICE_ROLES and office in OFFICES:
        return Person(f"{role}.{office}", role, (office,))
    if role in OFFICE_ROLES:
        raise ValueError(f"role {role} belongs to one office: give one of {', '.join(OFFICES)}")
    raise ValueError(f"role {role} has no office of its own: leave the office out")


_EVERYBODY = [
    *(person(role, None) for role in PROVINCE_ROLES),
    *(person(role, office) for office in OFFICES for role in OFFICE_ROLES),
]
BY_NAME = {somebody.name: somebody for somebody in _EVERYBODY}
BY_CLIENT = {somebody.client_id: somebody for somebody in _EVERYBODY}
