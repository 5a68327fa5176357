"""What mentoring refuses, as problems that callers can mend."""

from collections.abc import Sequence

from shared.http.problem import FieldProblem, Problem

_STATES = {
    "scheduled": "direncanakan",
    "completed": "tercatat",
    "confirmed": "dikonfirmasi",
    "contested": "disanggah",
    "cancelled": "dibatalkan",
    "no_show": "klien tidak datang",
}


def refuse_faults(faults: Sequence[FieldProblem], kind: str, title: str) -> None:
    """Raises one 422 Problem with all faults, if there are any."""
    if faults:
        raise Problem(422, kind, title, faults[0].message, cure=faults[0].cure, errors=faults)


def refuse_missing_reason(reason: str | None) -> None:
    """Raises a 422 Problem without a reason: whoever looks at the history later asks for it."""
    if reason is None:
        fault = FieldProblem("reason", "Alasan belum diisi.", "Tulis alasannya dalam satu kalimat.")
        refuse_faults([fault], "session-invalid", "Data sesi belum benar")


def refuse_busy(faults: Sequence[FieldProblem]) -> None:
    """Raises one 409 Problem with all clashes, if there are any."""
    if faults:
        raise Problem(
            409,
            "consultant-busy",
            "Jadwal konsultan bertumpukan",
            faults[0].message,
            cure=faults[0].cure,
            errors=faults,
        )


def foreign_office(office: str) -> Problem:
    return Problem(
        403,
        "office-forbidden",
        "Bukan kantor Anda",
        f"Anda tidak berwenang mencatat untuk kantor {office}.",
        cure="Pakai kode kantor Anda sendiri, atau masuk dengan akun kantor itu.",
    )


def not_his_session() -> Problem:
    return Problem(
        403,
        "not-own-session",
        "Bukan sesi Anda",
        "Konsultan hanya dapat mencatat sesi yang ia ikuti.",
        cure="Sertakan diri Anda di antara konsultan sesi ini, atau minta kepala kantor mencatatnya.",
    )


def desk_cancels_plans_only() -> Problem:
    return Problem(
        403,
        "held-session",
        "Sesi sudah berlangsung",
        "Petugas depan hanya dapat membatalkan rencana; sesi ini sudah tercatat berlangsung.",
        cure="Minta konsultannya atau kepala kantor membatalkannya.",
    )


def consultant_exists(office: str) -> Problem:
    return Problem(
        409,
        "consultant-exists",
        "Konsultan sudah terdaftar",
        f"Kantor {office} sudah punya konsultan dengan ID masuk ini.",
        cure="Cari konsultan itu di daftar konsultan, atau periksa ID masuknya.",
        errors=[FieldProblem("staff", "ID masuk ini sudah dipakai di kantor ini.", "Periksa ID masuknya.")],
    )


def consultant_not_found() -> Problem:
    return Problem(
        404,
        "consultant-not-found",
        "Konsultan tidak ditemukan",
        "Konsultan dengan id ini tidak ada di kantor Anda.",
        cure="Periksa idnya di daftar konsultan kantor Anda.",
    )


def session_not_found() -> Problem:
    """The same whether it does not exist or belongs to another office."""
    return Problem(
        404,
        "session-not-found",
        "Sesi tidak ditemukan",
        "Sesi dengan id ini tidak ada di kantor Anda.",
        cure="Periksa idnya di daftar sesi kantor Anda.",
    )


def not_in_this_state(state: str) -> Problem:
    return Problem(
        409,
        "session-state",
        "Keadaan sesi tidak mengizinkan",
        f"Sesi ini {_STATES[state]}; tindakan itu tidak bisa dilakukan lagi atau belum bisa dilakukan.",
        cure="Baca lagi sesinya dan pilih tindakan yang sesuai dengan keadaannya.",
        extra={"state": state},
    )


def import_goes_on() -> Problem:
    return Problem(
        409,
        "import-goes-on",
        "Impor belum selesai",
        "Impor ini masih dikerjakan, jadi sesinya belum lengkap.",
        cure="Tunggu sampai selesai atau batalkan impornya, lalu terima sesinya.",
    )


def not_yet(day: object) -> Problem:
    return Problem(
        409,
        "session-ahead",
        "Hari sesi belum tiba",
        f"Sesi ini direncanakan pada {day}; belum bisa dikatakan bahwa klien tidak datang.",
        cure="Tunggu harinya, atau batalkan rencana ini.",
    )
