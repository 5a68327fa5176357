"""What is wrong with a form, all of it at once, each next to its field."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from pydantic import BaseModel

from shared.http.problem import FieldProblem, Problem, faults_of_correction
from shared.money import MoneyError
from shared.privacy.numbers import NumberError, holds_long_number
from shared.texts import holds_invisible

T = TypeVar("T")
SHORTEST_REASON = 10


class TextError(ValueError):
    """A text that cannot be stored or shown: `message` says what is wrong, `cure` how to mend it."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


class Findings:
    """Collects refusals and warnings; what `read` returned is good only after `settle`."""

    def __init__(self) -> None:
        self.refusals: list[FieldProblem] = []
        self.warnings: list[FieldProblem] = []

    def read(self, field: str, rule: Callable[[str], T], typed: str) -> T:
        """Returns what the rule makes of the typed text; notes what it says against it."""
        return cast("T", self.read_optional(field, rule, typed))  # None is never seen: settle() raises first

    def read_optional(self, field: str, rule: Callable[[str], T], typed: str | None) -> T | None:
        """Returns the same; None for nothing typed and for what was refused."""
        if typed is None:
            return None
        try:
            return rule(typed)
        except (NumberError, MoneyError, TextError) as wrong:
            self.refuse(field, wrong.message, wrong.cure)
            return None

    def refuse(self, field: str, message: str, cure: str) -> None:
        self.refusals.append(FieldProblem(field, message, cure))

    def refuse_blanks(self, correction: BaseModel, required: Sequence[str]) -> None:
        """Refuses a correction that corrects nothing, or that empties what must not be empty."""
        given = correction.model_fields_set
        emptied = [field for field in required if field in given and getattr(correction, field) is None]
        self.refusals += faults_of_correction(emptied, nothing=not given)

    def warn(self, field: str, message: str | None) -> None:
        if message is not None:
            self.warnings.append(FieldProblem(field, message, "Biarkan bila memang benar."))

    def settle(self) -> None:
        """Raises one 422 Problem with every refusal, if there is any."""
        if self.refusals:
            raise Problem(
                422,
                "invalid-input",
                "Isian tidak sah",
                "Ada isian yang perlu diperbaiki.",
                cure="Perbaiki isian yang ditandai, lalu kirim lagi.",
                errors=self.refusals,
            )


def plain_text(typed: str) -> str:
    """Returns a line of text in NFC with single spaces. Refused: no letter or digit, invisible characters."""
    text = " ".join(unicodedata.normalize("NFC", typed).split())
    if not any(char.isalnum() for char in text):
        raise TextError("Tidak boleh kosong.", "Isi dengan huruf atau angka.")
    if holds_invisible(text):
        raise TextError("Ada karakter yang tidak tampak di layar.", "Hapus lalu ketik ulang isian ini.")
    return text


def reason_text(typed: str) -> str:
    """Returns why somebody did something. It is kept in clear: refused with a number that leads to a person."""
    text = plain_text(typed)
    if len(text) < SHORTEST_REASON:
        raise TextError("Alasan terlalu pendek.", f"Tulis sedikitnya {SHORTEST_REASON} huruf.")
    if holds_long_number(text):
        raise TextError("Alasan memuat nomor panjang.", "Hapus NIK, NPWP atau nomor telepon dari alasan.")
    return text
