"""What a well-formed command can still run into, told in Bahasa. None of it holds an identity."""

from shared.http.problem import FieldProblem, Problem

_TAKEN = {
    "nib": (
        "NIB ini sudah terdaftar.",
        "Periksa NIB; bila benar, cari usahanya dengan NIB itu dan jangan daftarkan lagi.",
    ),
    "cooperative_number": (
        "Nomor Induk Koperasi ini sudah terdaftar.",
        "Periksa nomornya; bila benar, cari koperasinya dengan nomor itu dan jangan daftarkan lagi.",
    ),
}


def business_exists(field: str) -> Problem:
    message, cure = _TAKEN[field]
    return Problem(
        409,
        "business-exists",
        "Usaha sudah terdaftar",
        "Nomor usaha yang diisi sudah dipakai usaha lain di Jawa Timur.",
        cure=cure,
        errors=[FieldProblem(field, message, cure)],
    )


def office_exists(code: str) -> Problem:
    return Problem(
        409,
        "office-exists",
        "Kantor sudah terdaftar",
        f"Kantor dengan kode {code} sudah ada.",
        cure="Ubah kantor yang sudah ada, atau periksa kodenya.",
    )


def office_unknown(code: str) -> Problem:
    message = f"Kantor {code} belum terdaftar."
    cure = "Minta admin mendaftarkan kantor ini lebih dahulu."
    return Problem(
        422, "invalid-input", "Isian tidak sah", message, cure=cure, errors=[FieldProblem("office", message, cure)]
    )


def office_not_found() -> Problem:
    return Problem(
        404,
        "office-not-found",
        "Kantor tidak ditemukan",
        "Tidak ada kantor dengan kode ini.",
        cure="Periksa kode kantor.",
    )


def business_not_found() -> Problem:
    """The same whether it does not exist or belongs to another office."""
    return Problem(
        404,
        "business-not-found",
        "Usaha tidak ditemukan",
        "Tidak ada usaha dengan nomor ini di kantor Anda.",
        cure="Periksa nomornya, atau buka daftar usaha kantor Anda.",
    )


def stale(seen: int, current: int) -> Problem:
    return Problem(
        412,
        "revision-stale",
        "Data sudah diubah orang lain",
        f"Anda mengubah revisi {seen}, padahal sekarang sudah revisi {current}.",
        cure="Baca lagi datanya, periksa perubahannya, lalu ulangi dengan ETag yang baru.",
        extra={"seen_revision": seen, "current_revision": current},
    )


def already_closed() -> Problem:
    return Problem(
        409,
        "business-closed",
        "Usaha sudah ditutup",
        "Usaha yang sudah ditutup tidak bisa diubah atau ditutup lagi.",
        cure="Bila usahanya masih berjalan, minta kepala kantor memeriksa pencatatan penutupannya.",
    )
