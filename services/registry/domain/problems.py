"""What a well-formed command can still run into, told in Bahasa. None of it holds an identity."""

from shared.http.problem import FieldProblem, Problem, at_field

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
    return at_field("office", message, cure)


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


def already_closed() -> Problem:
    return Problem(
        409,
        "business-closed",
        "Usaha sudah ditutup",
        "Usaha yang sudah ditutup tidak bisa diubah atau ditutup lagi.",
        cure="Bila usahanya masih berjalan, minta kepala kantor asalnya membukanya kembali.",
    )


def not_closed() -> Problem:
    return Problem(
        409,
        "business-open",
        "Usaha masih buka",
        "Usaha ini tidak tutup, jadi tidak perlu dibuka kembali.",
        cure="Baca lagi data usahanya; mungkin orang lain sudah membukanya.",
    )


def owner_not_found() -> Problem:
    return Problem(
        404,
        "owner-not-found",
        "Pemilik tidak ditemukan",
        "Usaha ini tidak punya pemilik dengan nomor itu.",
        cure="Baca lagi data usahanya; mungkin pemiliknya sudah diganti.",
    )


def move_not_found() -> Problem:
    """The same whether it does not exist or is between other offices."""
    return Problem(
        404,
        "move-not-found",
        "Usulan pindah tidak ditemukan",
        "Tidak ada usulan pindah dengan nomor ini yang menyangkut kantor Anda.",
        cure="Buka daftar usulan pindah kantor Anda.",
    )


def move_pending() -> Problem:
    return Problem(
        409,
        "move-pending",
        "Usulan pindah sudah ada",
        "Usaha ini sudah diusulkan pindah dan belum dijawab.",
        cure="Tunggu jawabannya, atau tarik usulan itu dulu.",
    )


def move_decided(state: str) -> Problem:
    told = {"accepted": "diterima", "refused": "ditolak", "withdrawn": "ditarik"}[state]
    return Problem(
        409,
        "move-decided",
        "Usulan pindah sudah dijawab",
        f"Usulan pindah ini sudah {told}.",
        cure="Baca lagi daftar usulan; ajukan usulan baru bila masih perlu.",
        extra={"state": state},
    )


def own_proposal() -> Problem:
    return Problem(
        403,
        "own-proposal",
        "Menunggu kantor lain",
        "Kantor yang mengusulkan tidak bisa menerima usulannya sendiri.",
        cure="Minta kepala kantor yang satunya menerima usulan ini.",
    )


def already_home() -> Problem:
    message, cure = "Usaha ini sudah berada di kantor itu.", "Pilih kantor tujuan yang lain."
    return at_field("to_office", message, cure)


def destination_unknown(code: str) -> Problem:
    return at_field("to_office", f"Kantor {code} belum terdaftar.", "Pilih kantor dari daftar kantor.")
