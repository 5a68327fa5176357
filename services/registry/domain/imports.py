"""What an imported row is among the registered businesses, and how that is told in the result sheet. Pure."""

from collections.abc import Sequence

from services.registry.domain.likeness import Match, Verdict
from shared.imports.rows import Remark, Said

_COMPARE = (
    "Bandingkan dulu. Bila usaha lain, tulis baru di kolom Status; bila sama, tulis cocok di kolom Status dan ID usaha "
    "itu di kolom ID Usaha. Lalu unggah lagi lembar ini."
)
_UNTOUCHED = "Data usaha yang sudah terdaftar tidak diubah oleh impor; perbaiki lewat data usahanya bila perlu."


def surely(matches: Sequence[Match]) -> Match | None:
    """Returns the one business that the row surely is, if there is just one.

    The same number of a business counts on a like name only: a number that stands on another name is a slip somewhere.
    """
    sure = [match for match in matches if match.verdict is Verdict.SAME and _is_likely_one(match)]
    numbered = [match for match in sure if match.candidate.same_number]
    chosen = numbered or sure
    return chosen[0] if len(chosen) == 1 else None


def is_confirmed_new(said: Said, matches: Sequence[Match]) -> bool:
    """Tells whether the office has seen every one of these businesses and said that the row is another one."""
    return said.confirmed_new and {match.candidate.id for match in matches} <= set(said.seen)


def to_review(matches: Sequence[Match]) -> tuple[Remark, ...]:
    """Returns what anybody may know of the candidates, with their ids, and what to do."""
    return tuple(Remark(f"Mirip {told(match)}.", _COMPARE) for match in matches)


def matched(candidate: str | None) -> Remark:
    """Returns the reason for what is registered already: `told`, or nothing more than that the office said so."""
    return Remark(f"Sudah terdaftar: {candidate or 'menurut keterangan kantor di kolom Status'}.", _UNTOUCHED)


def told(match: Match) -> str:
    """Returns what anybody may know of a candidate, with its id, and why it is one."""
    there = match.candidate
    return f"{there.trade_name}, kantor {there.office}: {match.told()} ({there.id})"


def _is_likely_one(match: Match) -> bool:
    return not match.candidate.same_number or any(
        reason.sign == "name" and reason.points > 0 for reason in match.reasons
    )
