"""What pydantic finds wrong, said in Bahasa Indonesia with a cure, one entry per field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.http.problem import FieldProblem

_MOST_ENTRIES = 50
Context = Mapping[str, Any]
Text = str | Callable[[Context], str]


def _choices(context: Context) -> str:
    """Returns the choices as pydantic lists them, in Bahasa."""
    return str(context.get("expected")).replace("' or '", "' atau '")


def _number(context: Context, name: str) -> str:
    return f"{context.get(name)}"


# error type of pydantic → (what is wrong, how to mend it)
_TEXTS: Mapping[str, tuple[Text, Text]] = {
    "missing": ("Isian ini wajib ada.", "Tambahkan isian ini."),
    "extra_forbidden": ("Isian ini tidak dikenal.", "Hapus isian ini atau perbaiki namanya."),
    "unexpected_keyword_argument": ("Isian ini tidak dikenal.", "Hapus isian ini atau perbaiki namanya."),
    "json_invalid": ("Bukan JSON yang sah.", "Periksa tanda kutip, koma dan kurung."),
    "model_type": ("Harus berupa objek.", "Kirim objek JSON { … } dengan Content-Type: application/json."),
    "model_attributes_type": ("Harus berupa objek.", "Kirim objek JSON { … } dengan Content-Type: application/json."),
    "dict_type": ("Harus berupa objek.", "Kirim objek JSON { … }."),
    "list_type": ("Harus berupa daftar.", "Kirim daftar JSON [ … ]."),
    "tuple_type": ("Harus berupa daftar.", "Kirim daftar JSON [ … ]."),
    "set_type": ("Harus berupa daftar.", "Kirim daftar JSON [ … ]."),
    "frozen_set_type": ("Harus berupa daftar.", "Kirim daftar JSON [ … ]."),
    "too_short": (
        lambda c: f"Kurang dari {_number(c, 'min_length')} butir.",
        lambda c: f"Isi sedikitnya {_number(c, 'min_length')} butir.",
    ),
    "too_long": (
        lambda c: f"Lebih dari {_number(c, 'max_length')} butir.",
        lambda c: f"Isi paling banyak {_number(c, 'max_length')} butir.",
    ),
    "string_type": ("Harus berupa teks.", "Kirim teks di dalam tanda kutip."),
    "string_unicode": ("Teks memuat huruf yang tidak sah.", "Kirim teks UTF-8 yang benar."),
    "string_too_short": (
        lambda c: f"Kurang dari {_number(c, 'min_length')} huruf.",
        lambda c: f"Isi sedikitnya {_number(c, 'min_length')} huruf.",
    ),
    "string_too_long": (
        lambda c: f"Lebih dari {_number(c, 'max_length')} huruf.",
        lambda c: f"Persingkat menjadi paling banyak {_number(c, 'max_length')} huruf.",
    ),
    "string_pattern_mismatch": ("Bentuk isian tidak sesuai.", "Periksa lagi cara penulisannya di dokumentasi."),
    "string_not_ascii": ("Hanya huruf dan angka biasa yang diterima.", "Ganti huruf khusus."),
    "int_type": ("Harus berupa bilangan bulat.", "Kirim angka tanpa tanda kutip dan tanpa koma."),
    "int_parsing": ("Harus berupa bilangan bulat.", "Tulis angka saja."),
    "int_parsing_size": ("Angka terlalu besar.", "Periksa jumlah digitnya."),
    "int_from_float": ("Harus berupa bilangan bulat.", "Bulatkan angka ini."),
    "float_type": ("Harus berupa angka.", "Tulis angka saja."),
    "float_parsing": ("Harus berupa angka.", "Tulis angka saja."),
    "finite_number": ("Harus berupa angka biasa.", "Jangan kirim NaN atau Infinity."),
    "bool_type": ("Harus true atau false.", "Kirim true atau false."),
    "bool_parsing": ("Harus true atau false.", "Kirim true atau false."),
    "greater_than": (
        lambda c: f"Harus lebih dari {_number(c, 'gt')}.",
        lambda c: f"Isi angka di atas {_number(c, 'gt')}.",
    ),
    "greater_than_equal": (
        lambda c: f"Kurang dari {_number(c, 'ge')}.",
        lambda c: f"Isi sedikitnya {_number(c, 'ge')}.",
    ),
    "less_than": (
        lambda c: f"Harus kurang dari {_number(c, 'lt')}.",
        lambda c: f"Isi angka di bawah {_number(c, 'lt')}.",
    ),
    "less_than_equal": (
        lambda c: f"Lebih dari {_number(c, 'le')}.",
        lambda c: f"Isi paling banyak {_number(c, 'le')}.",
    ),
    "multiple_of": (
        lambda c: f"Harus kelipatan {_number(c, 'multiple_of')}.",
        lambda c: f"Isi kelipatan {_number(c, 'multiple_of')}.",
    ),
    "enum": (lambda c: f"Pilihan tidak dikenal; yang sah: {_choices(c)}.", "Pilih salah satu yang sah."),
    "literal_error": (lambda c: f"Pilihan tidak dikenal; yang sah: {_choices(c)}.", "Pilih salah satu yang sah."),
    "none_required": ("Harus dikosongkan.", "Kirim null atau hapus isian ini."),
    "uuid_type": ("Harus berupa UUID.", "Pakai id persis seperti yang diterima dari sistem."),
    "uuid_parsing": ("Harus berupa UUID.", "Pakai id persis seperti yang diterima dari sistem."),
    "uuid_version": ("Jenis UUID tidak sesuai.", "Pakai id persis seperti yang diterima dari sistem."),
    "date_type": ("Harus berupa tanggal.", "Tulis tanggal sebagai TTTT-BB-HH, misalnya 2026-11-21."),
    "date_parsing": ("Harus berupa tanggal.", "Tulis tanggal sebagai TTTT-BB-HH, misalnya 2026-11-21."),
    "date_from_datetime_parsing": ("Harus berupa tanggal.", "Tulis tanggal sebagai TTTT-BB-HH, misalnya 2026-11-21."),
    "date_from_datetime_inexact": (
        "Harus tanggal tanpa jam.",
        "Tulis tanggal sebagai TTTT-BB-HH, misalnya 2026-11-21.",
    ),
    "date_past": ("Tanggal harus sudah lewat.", "Periksa tahunnya."),
    "date_future": ("Tanggal harus di masa depan.", "Periksa tahunnya."),
    "time_type": ("Harus berupa jam.", "Tulis jam sebagai JJ:MM, misalnya 09:30."),
    "time_parsing": ("Harus berupa jam.", "Tulis jam sebagai JJ:MM, misalnya 09:30."),
    "datetime_type": ("Harus berupa waktu.", "Tulis waktu sebagai 2026-11-21T09:30:00+07:00."),
    "datetime_parsing": ("Harus berupa waktu.", "Tulis waktu sebagai 2026-11-21T09:30:00+07:00."),
    "datetime_from_date_parsing": ("Harus berupa waktu.", "Tulis waktu sebagai 2026-11-21T09:30:00+07:00."),
    "timezone_aware": ("Waktu tanpa zona.", "Tambahkan zona waktu, misalnya +07:00."),
    "union_tag_invalid": ("Jenis tidak dikenal.", "Periksa lagi jenisnya di dokumentasi."),
    "union_tag_not_found": ("Jenis tidak disebut.", "Sebutkan jenisnya."),
    "url_parsing": ("Alamat tidak terbaca.", "Tulis alamat lengkap, misalnya https://…"),
    "decimal_parsing": ("Harus berupa angka.", "Tulis angka saja."),
    "bytes_type": ("Harus berupa teks.", "Kirim teks di dalam tanda kutip."),
    "recursion_loop": ("Susunan terlalu dalam.", "Sederhanakan isian."),
}
_ELSE: tuple[Text, Text] = ("Isian ini tidak sah.", "Periksa bentuk isian ini di dokumentasi (/docs).")
# A validator of ours raises ValueError("what is wrong|how to mend it") in Bahasa.
_OUR_OWN = ("value_error", "assertion_error")


def field_problems(errors: Sequence[Any]) -> list[FieldProblem]:
    """Returns one entry per field, the first complaint of each; never repeats what was sent."""
    found: dict[str, FieldProblem] = {}
    for error in errors[: 10 * _MOST_ENTRIES]:
        name = field_name(error["loc"])
        if name not in found and len(found) < _MOST_ENTRIES:
            found[name] = FieldProblem(name, *_texts(error))
    return list(found.values())


def field_name(location: Sequence[str | int]) -> str:
    """Returns `owners.0.nik` for ("body", "owners", 0, "nik"); an error of the body itself is called `body`."""
    parts = [str(part) for part in location]
    if len(parts) > 1 and parts[0] in {"body", "query", "path", "header", "cookie"}:
        parts = parts[1:]
    name = ".".join(part[:60] for part in parts)[:200]
    return "".join(letter if letter.isprintable() else "?" for letter in name) or "body"


def _texts(error: Mapping[str, Any]) -> tuple[str, str]:
    context: Context = error.get("ctx") or {}
    if error["type"] in _OUR_OWN:
        what, _, cure = str(context.get("error", "")).partition("|")
        return what.strip() or str(_ELSE[0]), cure.strip() or "Perbaiki isian ini."
    what_text, cure_text = _TEXTS.get(error["type"], _ELSE)
    return _render(what_text, context), _render(cure_text, context)


def _render(text: Text, context: Context) -> str:
    return text if isinstance(text, str) else text(context)
