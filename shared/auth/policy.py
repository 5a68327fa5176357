"""The one place that decides who may do what. Row-level security is the second wall, not the first."""

from collections.abc import Mapping
from enum import StrEnum

from shared.auth.principal import Principal, Role


class Action(StrEnum):
    OPEN_OFFICE = "open_office"
    CHANGE_OFFICE = "change_office"
    READ_OFFICES = "read_offices"
    REGISTER_BUSINESS = "register_business"
    CORRECT_BUSINESS = "correct_business"
    CLOSE_BUSINESS = "close_business"
    REOPEN_BUSINESS = "reopen_business"
    PROPOSE_MOVE = "propose_move"
    DECIDE_MOVE = "decide_move"
    READ_MOVES = "read_moves"
    DISCLOSE_OWNER = "disclose_owner"
    READ_AUDIT = "read_audit"
    READ_BUSINESSES = "read_businesses"
    FIND_BUSINESSES = "find_businesses"
    IMPORT_BUSINESSES = "import_businesses"
    READ_ATTESTATIONS = "read_attestations"
    ATTEST_ON_PAPER = "attest_on_paper"
    REGISTER_CONSULTANT = "register_consultant"
    CHANGE_CONSULTANT = "change_consultant"
    READ_CONSULTANTS = "read_consultants"
    SCHEDULE_SESSION = "schedule_session"
    COMPLETE_SESSION = "complete_session"
    CORRECT_SESSION = "correct_session"
    CANCEL_SESSION = "cancel_session"
    MARK_NO_SHOW = "mark_no_show"
    READ_SESSIONS = "read_sessions"
    READ_SESSION_HISTORY = "read_session_history"
    IMPORT_SESSIONS = "import_sessions"
    ACCEPT_IMPORT = "accept_import"
    READ_REPORTS = "read_reports"
    READ_PUBLIC_REPORTS = "read_public_reports"


_OFFICE_STAFF = frozenset({Role.FRONT_DESK, Role.CONSULTANT, Role.FIELD_OFFICER, Role.OFFICE_HEAD})
_EVERYBODY = frozenset(Role) - {Role.PUBLIC}

ALLOWED: Mapping[Action, frozenset[Role]] = {
    Action.OPEN_OFFICE: frozenset({Role.ADMINISTRATOR}),
    Action.CHANGE_OFFICE: frozenset({Role.ADMINISTRATOR}),
    Action.READ_OFFICES: _EVERYBODY,
    Action.REGISTER_BUSINESS: frozenset({Role.FRONT_DESK, Role.FIELD_OFFICER, Role.OFFICE_HEAD}),
    Action.CORRECT_BUSINESS: frozenset({Role.FRONT_DESK, Role.OFFICE_HEAD}),
    Action.CLOSE_BUSINESS: frozenset({Role.FRONT_DESK, Role.OFFICE_HEAD}),
    Action.REOPEN_BUSINESS: frozenset({Role.OFFICE_HEAD}),
    Action.PROPOSE_MOVE: frozenset({Role.OFFICE_HEAD}),
    Action.DECIDE_MOVE: frozenset({Role.OFFICE_HEAD}),
    Action.READ_MOVES: frozenset({Role.OFFICE_HEAD, Role.AUDITOR}),
    Action.DISCLOSE_OWNER: frozenset({Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD}),
    Action.READ_AUDIT: frozenset({Role.OFFICE_HEAD, Role.AUDITOR}),
    Action.READ_BUSINESSES: _OFFICE_STAFF | {Role.AUDITOR},
    Action.FIND_BUSINESSES: _OFFICE_STAFF | {Role.AUDITOR},
    Action.IMPORT_BUSINESSES: frozenset({Role.FRONT_DESK, Role.OFFICE_HEAD}),
    Action.READ_ATTESTATIONS: frozenset({Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD, Role.AUDITOR}),
    Action.ATTEST_ON_PAPER: frozenset({Role.FRONT_DESK}),
    Action.REGISTER_CONSULTANT: frozenset({Role.OFFICE_HEAD}),
    Action.CHANGE_CONSULTANT: frozenset({Role.OFFICE_HEAD}),
    Action.READ_CONSULTANTS: _OFFICE_STAFF | {Role.AUDITOR},
    Action.SCHEDULE_SESSION: frozenset({Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD}),
    Action.COMPLETE_SESSION: frozenset({Role.CONSULTANT, Role.OFFICE_HEAD}),
    Action.CORRECT_SESSION: frozenset({Role.CONSULTANT, Role.OFFICE_HEAD}),
    Action.CANCEL_SESSION: frozenset({Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD}),
    Action.MARK_NO_SHOW: frozenset({Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD}),
    Action.READ_SESSIONS: frozenset({Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD, Role.AUDITOR}),
    Action.READ_SESSION_HISTORY: frozenset({Role.CONSULTANT, Role.OFFICE_HEAD, Role.AUDITOR}),
    Action.IMPORT_SESSIONS: frozenset({Role.OFFICE_HEAD}),
    Action.ACCEPT_IMPORT: frozenset({Role.OFFICE_HEAD}),
    Action.READ_REPORTS: frozenset({Role.OFFICE_HEAD, Role.PROVINCE_ANALYST, Role.AUDITOR}),
    Action.READ_PUBLIC_REPORTS: frozenset(Role),
}


def may(principal: Principal, action: Action, office: str | None = None) -> bool:
    """Tells whether the principal may do this; with `office`, whether to a row of that office."""
    return principal.has(*ALLOWED[action]) and (office is None or office in principal.offices)
