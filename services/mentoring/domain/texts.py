"""What people type into a session: lines and notes that stay in this service."""

import unicodedata
from collections.abc import Iterator, Mapping

from shared.http.problem import FieldProblem
from shared.privacy.numbers import holds_identity_number
from shared.texts import holds_invisible

_BREAKS = "\n\t"


def tidy(typed: str | None) -> str | None:
    """Returns a text in NFC without blanks around it; None for nothing but blanks."""
    text = unicodedata.normalize("NFC", (typed or "").replace("\r\n", "\n")).strip()
    return text or None


def text_faults(texts: Mapping[str, str | None], *, lines: frozenset[str]) -> Iterator[FieldProblem]:
    """Refuses what cannot be seen; `lines` names the texts of one line, the others may have several."""
    for name, text in texts.items():
        if text is not None and holds_invisible(text, "" if name in lines else _BREAKS):
            yield FieldProblem(name, "Ada karakter yang tidak tampak di layar.", "Hapus lalu ketik ulang isian ini.")


def text_warnings(texts: Mapping[str, str | None]) -> list[FieldProblem]:
    """Warns of what looks like a NIK (design.md §6); repeats nothing of it."""
    return [
        FieldProblem(
            name,
            "Ada 16 angka berurutan seperti NIK.",
            "Hapus angkanya; identitas klien hanya disimpan di registrasi usaha.",
        )
        for name, text in texts.items()
        if text is not None and holds_identity_number(text)
    ]
