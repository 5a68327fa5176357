"""What can be done in mentoring, one function or method per use case: lock, rule, save, tell — in one transaction."""

from services.mentoring.commands.acceptance import accept_import, accept_session
from services.mentoring.commands.consultants import change_consultant, register_consultant
from services.mentoring.commands.life import cancel_session, complete_plan, correct_session, mark_no_show
from services.mentoring.commands.past_sessions import import_session
from services.mentoring.commands.sessions import Sessions

__all__ = [
    "Sessions",
    "accept_import",
    "accept_session",
    "cancel_session",
    "change_consultant",
    "complete_plan",
    "correct_session",
    "import_session",
    "mark_no_show",
    "register_consultant",
]
