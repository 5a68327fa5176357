"""The columns of a sheet of businesses, by the labels that offices give them in both languages."""

import re
from collections.abc import Callable, Mapping

from services.registry.domain.forms import Kind
from shared.privacy.numbers import NumberError, parse_cooperative_number, parse_nib, parse_nik, parse_npwp, parse_phone
from shared.reference.places import replaced_codes
from shared.reference.regions import Level, regions
from shared.sheets.cells import CellError, number_text, read_day
from shared.sheets.columns import Column, fold

KINDS: Mapping[str, Kind] = {
    "UMKM": Kind.UMKM,
    "IKM": Kind.IKM,
    "Koperasi": Kind.COOPERATIVE,
    "Calon wirausaha": Kind.PROSPECTIVE,
}
_KIND_WORDS: Mapping[str, Kind] = {
    word: kind
    for kind, words in {
        Kind.UMKM: ("umkm", "ukm", "umk", "usaha mikro", "mikro", "usaha kecil", "kecil", "usaha menengah", "menengah"),
        Kind.IKM: ("ikm", "industri", "industri kecil", "industri kecil menengah", "industri rumah tangga", "irt"),
        Kind.COOPERATIVE: ("koperasi", "kop", "kopontren", "ksp", "kud", "cooperative"),
        Kind.PROSPECTIVE: ("calon wirausaha", "calon", "calon usaha", "wirausaha baru", "wirausaha", "prospective"),
    }.items()
    for word in words
}
_BETWEEN_KINDS = re.compile(r"\s*(?:[,;/&+]|\bdan\b)\s*", re.IGNORECASE)
# What people write into a cell that should be blank.
_NOTHING = re.compile(
    r"(?:rp)?[\W_]+|n/?a|nihil|kosong|(?:tidak|tdk|belum|blm) (?:ada|punya|memiliki|tahu)|(?:dalam |masih )?proses|"
    r"belum",
    re.IGNORECASE,
)
_PLACE_WORDS = re.compile(r"\b(?:kelurahan|kel|desa|ds|kecamatan|kec)\b")


def kinds_of(typed: str) -> list[Kind] | None:
    """Returns the kinds that are named, "UMKM dan IKM"; None if any of the words is none."""
    found = [_KIND_WORDS.get(fold(word)) for word in _BETWEEN_KINDS.split(typed) if word]
    kinds = [kind for kind in found if kind is not None]
    return list(dict.fromkeys(kinds)) if kinds and len(kinds) == len(found) else None


def is_nothing(typed: str) -> bool:
    """Tells whether a cell says that there is nothing: "-", "tidak ada", "dalam proses"."""
    return _NOTHING.fullmatch(typed.strip()) is not None


def place_name(typed: str) -> str:
    """Returns the name alone, in small letters: of "Kel. Mentikan" just "mentikan"."""
    return " ".join(_PLACE_WORDS.sub(" ", fold(typed)).split())


def _holds(rule: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether the rule takes it; columns whose labels were swapped are told by it."""

    def fits(text: str) -> bool:
        try:
            rule(number_text(text))
        except (CellError, NumberError):
            return False
        return True

    return fits


def _is_phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return _holds(parse_phone)(text) or _holds(parse_phone)(f"0{digits}")


def _is_name(text: str) -> bool:
    return sum(map(str.isalpha, text)) > 1


def _is_day(text: str) -> bool:
    """A bare number may be a day's serial, or any amount: it proves nothing."""
    try:
        read_day(text)
    except CellError:
        return False
    return not text.isdigit()


def _names_of(*levels: Level) -> frozenset[str]:
    return frozenset(fold(region.name) for region in regions().values() if region.level in levels)


_KELURAHAN = _names_of(Level.KELURAHAN, Level.DESA)
_KECAMATAN = _names_of(Level.KECAMATAN)


def _is_kelurahan(text: str) -> bool:
    return text in regions() or text in replaced_codes() or place_name(text) in _KELURAHAN


def _is_kecamatan(text: str) -> bool:
    return place_name(text) in _KECAMATAN


COLUMNS: tuple[Column, ...] = (
    Column(
        "trade_name",
        "Nama Usaha",
        (
            "nama produk",
            "nama usaha/produk",
            "nama usaha / merek",
            "nama brand",
            "merek",
            "merk",
            "merek dagang",
            "brand",
            "nama toko",
            "nama umkm",
            "nama ukm",
            "nama ikm",
            "nama koperasi",
            "nama perusahaan",
            "nama badan usaha",
            "nama lembaga",
            "nama dagang",
            "usaha",
            "trade name",
            "business name",
            "company name",
            "product name",
        ),
        required=True,
        help="Nama usaha, terbuka untuk umum. Kosongkan hanya untuk calon wirausaha.",
        example="Batik Maja Sejahtera",
    ),
    Column(
        "owner_name",
        "Nama Pemilik",
        (
            "nama",
            "nama lengkap",
            "pemilik",
            "nama pemilik usaha",
            "nama pelaku usaha",
            "pelaku usaha",
            "nama pengusaha",
            "pengusaha",
            "nama pengelola",
            "nama penanggung jawab",
            "penanggung jawab",
            "nama ketua",
            "ketua",
            "nama pimpinan",
            "pimpinan",
            "nama sesuai ktp",
            "nama ktp",
            "owner",
            "owner name",
            "owner s name",
            "full name",
        ),
        required=True,
        fits=_is_name,
        help="Nama pemilik seperti pada KTP; untuk koperasi nama ketuanya.",
        example="Siti Aminah",
        spreads=True,
    ),
    Column(
        "nik",
        "NIK",
        (
            "no ktp",
            "nomor ktp",
            "ktp",
            "no nik",
            "nomor induk kependudukan",
            "nik pemilik",
            "nik ktp",
            "nik/no ktp",
            "no ktp/nik",
            "nomor identitas",
            "no identitas",
            "id number",
            "national id",
        ),
        required=True,
        fits=_holds(parse_nik),
        help="16 angka seperti pada KTP, dalam sel berformat Teks.",
        example="3576015509800001",
        spreads=True,
    ),
    Column(
        "npwp",
        "NPWP",
        ("no npwp", "nomor npwp", "nomor pokok wajib pajak", "tax number", "tax id"),
        fits=_holds(parse_npwp),
        help="15 atau 16 angka. Boleh kosong.",
        example="09.254.294.3-407.000",
        spreads=True,
    ),
    Column(
        "phone",
        "No. HP",
        (
            "hp",
            "no hp",
            "nomor hp",
            "no hp/wa",
            "no wa",
            "wa",
            "nomor wa",
            "whatsapp",
            "no whatsapp",
            "telepon",
            "telp",
            "no telp",
            "no telepon",
            "nomor telepon",
            "tlp",
            "no tlp",
            "telp/hp",
            "no telp/hp",
            "no telepon/hp",
            "handphone",
            "no handphone",
            "ponsel",
            "nomor ponsel",
            "kontak",
            "no kontak",
            "contact person",
            "cp",
            "phone",
            "phone number",
            "mobile",
            "mobile number",
        ),
        fits=_is_phone,
        help="Nomor ponsel pemilik sendiri, bukan petugas. Boleh kosong.",
        example="0812-3456-7890",
        spreads=True,
    ),
    Column(
        "address",
        "Alamat",
        (
            "alamat usaha",
            "alamat pemilik",
            "alamat lengkap",
            "alamat rumah",
            "alamat domisili",
            "alamat ktp",
            "jalan",
            "address",
            "street",
        ),
        help="Jalan, nomor, RT/RW. Boleh kosong.",
        example="Jl. Contoh 1, RT 01/RW 02",
        spreads=True,
    ),
    Column(
        "kelurahan",
        "Kelurahan/Desa",
        (
            "kelurahan",
            "desa",
            "kel",
            "kel/desa",
            "desa/kelurahan",
            "kode kelurahan",
            "kode desa",
            "kode wilayah",
            "nama kelurahan",
            "village",
        ),
        required=True,
        fits=_is_kelurahan,
        help="Nama kelurahan/desa, atau kode Kemendagri seperti 35.76.02.1001.",
        example="Gununggedangan",
        spreads=True,
    ),
    Column(
        "kecamatan",
        "Kecamatan",
        ("kec", "nama kecamatan", "district", "subdistrict"),
        fits=_is_kecamatan,
        help="Membedakan kelurahan yang sama namanya. Boleh kosong.",
        example="Magersari",
        spreads=True,
    ),
    Column(
        "regency",
        "Kabupaten/Kota",
        ("kabupaten", "kota", "kab", "kab/kota", "kota/kabupaten", "regency", "city"),
        help="Bila kosong: wilayah kantor.",
        example="Kota Mojokerto",
        spreads=True,
    ),
    Column(
        "kind",
        "Jenis",
        (
            "jenis umkm",
            "jenis pelaku usaha",
            "jenis usaha",
            "kategori",
            "kategori usaha",
            "bentuk",
            "skala usaha",
            "skala",
            "kind",
            "type",
            "business type",
        ),
        fits=lambda text: kinds_of(text) is not None,
        help="Bila kosong: UMKM. Boleh dua, misalnya UMKM, IKM.",
        example="UMKM",
        choices=tuple(KINDS),
        spreads=True,
    ),
    Column(
        "nib",
        "NIB",
        ("no nib", "nomor nib", "nomor induk berusaha", "business number", "business identification number"),
        fits=_holds(parse_nib),
        help="13 angka dari OSS. Boleh kosong.",
        example="9120001234567",
    ),
    Column(
        "cooperative_number",
        "No. Induk Koperasi",
        ("nomor induk koperasi", "nik koperasi", "no nik koperasi", "nomor badan hukum koperasi", "cooperative number"),
        fits=_holds(parse_cooperative_number),
        help="Hanya untuk koperasi, 10 sampai 16 angka.",
        example="3576010020001",
    ),
    Column(
        "kbli",
        "KBLI",
        ("kode kbli", "no kbli", "kbli 2020", "nomor kbli", "kbli code", "bidang usaha kbli"),
        help="5 angka KBLI 2020; beberapa kode dipisah titik koma. Boleh kosong.",
        example="13134",
    ),
    Column(
        "capital",
        "Modal",
        ("modal usaha", "modal awal", "nilai modal", "jumlah modal", "aset", "capital"),
        help="Rupiah, misalnya 50 jt atau 50.000.000. Kosong berarti tidak tahu.",
        example="50.000.000",
    ),
    Column(
        "annual_sales",
        "Omzet per Tahun",
        (
            "omzet",
            "omset",
            "omset per tahun",
            "omzet/tahun",
            "omset/tahun",
            "omzet setahun",
            "omzet tahunan",
            "penjualan per tahun",
            "penjualan tahunan",
            "hasil penjualan tahunan",
            "penjualan",
            "annual sales",
            "turnover",
            "annual turnover",
            "revenue",
        ),
        help="Rupiah setahun. Kosong berarti tidak tahu.",
        example="120 jt",
    ),
    Column(
        "registered_on",
        "Tanggal Daftar",
        (
            "tgl daftar",
            "tanggal pendaftaran",
            "tgl pendaftaran",
            "tanggal terdaftar",
            "tanggal registrasi",
            "tanggal pendataan",
            "tgl pendataan",
            "registered on",
            "registration date",
            "date registered",
        ),
        fits=_is_day,
        help="Hari usaha didaftar kantor ini. Bila kosong: hari ini.",
        example="21/11/2025",
    ),
)
LABELS: Mapping[str, str] = {column.field: column.label for column in COLUMNS}
