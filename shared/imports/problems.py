"""What an import can run into, told in Bahasa. Nothing of a sheet's content is repeated."""

from collections.abc import Iterator, Mapping, Sequence

from shared.http.problem import FieldProblem, Problem
from shared.privacy.numbers import holds_long_number
from shared.sheets.columns import Column


def empty_file() -> Problem:
    return _invalid([FieldProblem("", "Berkas kosong.", "Kirim isi berkas .xlsx atau .csv sebagai isi permintaan.")])


def import_not_found() -> Problem:
    """The same whether it does not exist or belongs to another office."""
    return Problem(
        404,
        "import-not-found",
        "Impor tidak ditemukan",
        "Tidak ada impor dengan nomor ini di kantor Anda.",
        cure="Periksa nomornya, atau buka daftar impor kantor Anda.",
    )


def import_ended() -> Problem:
    return Problem(
        409,
        "import-ended",
        "Impor sudah selesai",
        "Impor ini sudah berakhir, jadi tidak bisa dibatalkan lagi.",
        cure="Baca hasilnya; usaha yang salah dibuat bisa diperbaiki atau ditutup satu per satu.",
    )


def result_missing(state: str) -> Problem:
    """Not yet, not at all, or not any more."""
    return Problem(
        404,
        "import-result-missing",
        "Hasil impor tidak ada",
        "Impor ini belum selesai, gagal dibaca, atau isinya sudah dihapus (30 hari setelah selesai).",
        cure="Tunggu sampai state menjadi done atau cancelled; bila isinya sudah dihapus, unggah lagi lembarnya.",
        extra={"state": state},
    )


def check_mapping(fields: Mapping[str, str], columns: Sequence[Column]) -> None:
    """Raises a 422 Problem for a field that is not known, and for a label that is no label but a number."""
    wrong = list(_wrong(fields, {column.field for column in columns}))
    if wrong:
        raise _invalid(wrong)


def _wrong(fields: Mapping[str, str], known: set[str]) -> Iterator[FieldProblem]:
    for place, (label, field) in enumerate(fields.items()):
        if not any(char.isalpha() for char in label) or holds_long_number(label):
            yield FieldProblem(f"fields.{place}", "Ini bukan judul kolom.", "Tulis judul kolom seperti di lembar.")
        if field not in known:
            cure = f"Pilih salah satu: {', '.join(sorted(known))}."
            yield FieldProblem(f"fields.{place}", "Kolom ini tidak dikenal.", cure)


def _invalid(errors: Sequence[FieldProblem]) -> Problem:
    return Problem(
        422,
        "invalid-input",
        "Isian tidak sah",
        "Ada isian yang perlu diperbaiki.",
        cure="Perbaiki yang ditandai, lalu kirim lagi.",
        errors=errors,
    )
