"""What the codes in events are called on screens and in exports. One that came later is its own name."""

from collections.abc import Mapping

from shared.reference.regions import regions

FIELDS: Mapping[str, str] = {
    "institution": "Kelembagaan",
    "human_resources": "SDM",
    "production": "Produksi",
    "finance": "Pembiayaan",
    "marketing": "Pemasaran",
    "information_technology": "Teknologi informasi",
    "cooperation_network": "Jaringan kerja sama",
}
SERVICES: Mapping[str, str] = {
    "business_mentoring": "Pendampingan usaha",
    "training": "Pelatihan",
    "skill_development": "Pengembangan keterampilan",
    "capital_access": "Akses modal",
    "business_consultation": "Konsultasi bisnis",
    "product_marketing": "Pemasaran produk",
    "information_and_knowledge": "Informasi & pengetahuan",
    "partnership": "Kemitraan",
    "incubation": "Inkubasi",
}
CHANNELS: Mapping[str, str] = {
    "office_visit": "Datang ke kantor",
    "field_visit": "Kunjungan lapangan",
    "phone": "Telepon",
    "video_call": "Panggilan video",
    "chat": "Pesan",
}
KINDS: Mapping[str, str] = {
    "umkm": "UMKM",
    "ikm": "IKM",
    "cooperative": "Koperasi",
    "prospective": "Calon wirausaha",
}
STATUSES: Mapping[str, str] = {"active": "Aktif", "closed": "Tutup"}
COLUMNS: Mapping[str, str] = {"field": "Bidang", "service": "Layanan", "channel": "Kanal"}
NAMES: Mapping[str, Mapping[str, str]] = {
    "field": FIELDS,
    "service": SERVICES,
    "channel": CHANNELS,
    "kind": KINDS,
    "status": STATUSES,
}


def name_of(column: str, code: str) -> str:
    """Returns what a code of a column is called."""
    return NAMES[column].get(code, code)


def region_name(code: str) -> str:
    """Returns the name of a region, or its code where we know none."""
    known = regions().get(code)
    return known.name if known else code
