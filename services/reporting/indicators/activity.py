"""What offices do: registrations, sessions, visits and minutes."""

from services.reporting.indicators.card import Amount, Indicator, Measure

HELD_BY = ("SessionCompleted", "SessionAccepted", "SessionCorrected", "SessionCancelled")
SINCE = (
    "Sejak kantor mencatat di sistem ini, menurut hari kegiatan (WIB); sesi tahun-tahun lalu yang diimpor ikut dihitung"
    " pada harinya begitu diterima kepala kantor."
)
NOT_HELD = (
    "Sesi yang baru direncanakan, dibatalkan, kliennya tidak datang, atau berasal dari impor yang belum diterima kepala"
    " kantor."
)
_BY_SERVICE = "sessions_by_service"
_OFFICE = "office_activity"
_CONFIRMED_BY = ("SessionConfirmed", "SessionContested", "SessionCorrected", "SessionCancelled")


def _of_office(*amounts: str) -> tuple[Amount, ...]:
    return tuple(Amount(_OFFICE, amount) for amount in amounts)


def _everywhere(amount: str) -> tuple[Amount, ...]:
    return Amount(_OFFICE, amount), Amount(_BY_SERVICE, amount)


def _minutes(code: str, name: str, counts: str) -> Indicator:
    return Indicator(
        code=code,
        name=name,
        counts=f"{counts} Dihitung sekali untuk kantor, berapa pun konsultan dan usaha yang hadir.",
        formula=f"jumlah {name.lower()} semua sesi tercatat yang harinya dalam periode",
        unit="menit",
        measure=Measure.SUM,
        events=HELD_BY,
        since=SINCE,
        leaves_out=NOT_HELD,
        reads=_everywhere(code),
    )


def _confirmed_minutes(code: str, name: str, reads: tuple[Amount, ...]) -> Indicator:
    return Indicator(
        code=f"confirmed_{code}",
        name=f"{name} terkonfirmasi",
        counts=f"{name} dari sesi yang oleh semua usahanya dibenarkan.",
        formula=f"jumlah {name.lower()} sesi tercatat yang berstatus dikonfirmasi",
        unit="menit",
        measure=Measure.SUM,
        events=_CONFIRMED_BY,
        since=SINCE,
        leaves_out="Menit sesi yang belum dikonfirmasi, disanggah, atau diimpor (sesi impor tidak ditanyakan).",
        reads=reads,
    )


def _not_held(code: str, name: str, counts: str, events: tuple[str, ...], leaves_out: str) -> Indicator:
    return Indicator(
        code=code,
        name=name,
        counts=counts,
        formula=f"banyaknya {name.lower()} menurut hari rencananya",
        unit="sesi",
        measure=Measure.SUM,
        events=events,
        since="Sejak kantor mencatat rencana di sistem ini, menurut hari yang direncanakan (WIB).",
        leaves_out=leaves_out,
        reads=_of_office(code),
    )


CARDS = (
    Indicator(
        code="registrations",
        name="Usaha didaftarkan",
        counts="Usaha yang didaftarkan, untuk kantor yang mendaftarkannya, juga setelah usaha itu pindah kantor.",
        formula="banyaknya usaha menurut kantor pendaftar dan hari pendaftaran (WIB)",
        unit="usaha",
        measure=Measure.SUM,
        events=("BusinessRegistered",),
        since="Sejak kantor mencatat di sistem ini, menurut hari pendaftaran; usaha dari impor ikut.",
        leaves_out="Pendaftaran yang ternyata usaha yang sudah terdaftar. Usaha yang kemudian tutup tetap dihitung.",
        reads=_of_office("registrations"),
    ),
    _not_held(
        "scheduled",
        "Sesi direncanakan",
        "Sesi yang masih berupa rencana.",
        ("SessionScheduled", "SessionCompleted", "SessionCorrected", "SessionCancelled"),
        "Rencana yang sudah terlaksana, dibatalkan, atau kliennya tidak datang.",
    ),
    Indicator(
        code="sessions",
        name="Sesi tercatat",
        counts="Sesi pendampingan yang telah berlangsung: tercatat, dikonfirmasi, atau disanggah. Satu sesi dihitung"
        " sekali untuk kantornya, berapa pun konsultan dan usaha yang hadir.",
        formula="banyaknya sesi menurut kantor dan hari sesi (WIB)",
        unit="sesi",
        measure=Measure.SUM,
        events=HELD_BY,
        since=SINCE,
        leaves_out=f"{NOT_HELD} Sesi yang disanggah tetap dihitung sampai dibatalkan.",
        reads=_everywhere("sessions"),
    ),
    Indicator(
        code="confirmed",
        name="Sesi dikonfirmasi",
        counts="Sesi yang oleh semua usahanya dibenarkan telah berlangsung.",
        formula="banyaknya sesi tercatat yang berstatus dikonfirmasi",
        unit="sesi",
        measure=Measure.SUM,
        events=_CONFIRMED_BY,
        since=SINCE,
        leaves_out="Sesi yang menunggu jawaban usaha, disanggah, atau diimpor. Perbaikan isi sesi membatalkan"
        " konfirmasinya sampai usaha menjawab lagi.",
        reads=_everywhere("confirmed"),
    ),
    Indicator(
        code="contested",
        name="Sesi disanggah",
        counts="Sesi yang oleh sedikitnya satu usahanya disangkal.",
        formula="banyaknya sesi tercatat yang berstatus disanggah",
        unit="sesi",
        measure=Measure.SUM,
        events=("SessionContested", "SessionCorrected", "SessionCancelled"),
        since=SINCE,
        leaves_out="Sanggahan yang sudah dijawab dengan perbaikan atau pembatalan sesi.",
        reads=_of_office("contested"),
    ),
    Indicator(
        code="imported",
        name="Sesi dari impor",
        counts="Sesi tahun-tahun lalu yang diimpor dari lembar dan diterima kepala kantor.",
        formula="banyaknya sesi tercatat yang berasal dari impor",
        unit="sesi",
        measure=Measure.SUM,
        events=("SessionAccepted", "SessionCorrected", "SessionCancelled"),
        since="Sejak kepala kantor menerima impor, menurut hari sesi (WIB).",
        leaves_out="Sesi impor yang belum diterima kepala kantor.",
        reads=_of_office("imported"),
    ),
    _not_held(
        "cancelled",
        "Sesi dibatalkan",
        "Rencana atau catatan sesi yang dibatalkan.",
        ("SessionCancelled",),
        "Sesi yang kliennya tidak datang, dan sesi impor yang tidak pernah diterima.",
    ),
    _not_held(
        "no_show",
        "Klien tidak datang",
        "Rencana sesi yang kliennya tidak datang.",
        ("SessionCancelled",),
        "Sesi yang dibatalkan karena sebab lain.",
    ),
    Indicator(
        code="visits",
        name="Kunjungan usaha",
        counts="Usaha yang hadir dalam sesi; usaha yang datang dua kali dihitung dua kali.",
        formula="jumlah, untuk semua sesi tercatat, banyaknya usaha berbeda yang hadir",
        unit="kunjungan",
        measure=Measure.SUM,
        events=("SessionCompleted", "SessionResolved", "SessionAccepted", "SessionCorrected", "SessionCancelled"),
        since=SINCE,
        leaves_out=f"Usaha yang pendaftarannya belum sampai (sesi sementara). {NOT_HELD}",
        reads=_of_office("visits"),
    ),
    _minutes("contact_minutes", "Menit tatap muka", "Lama pertemuan dengan usaha."),
    _minutes("preparation_minutes", "Menit persiapan", "Lama persiapan sebelum pertemuan."),
    _minutes("travel_minutes", "Menit perjalanan", "Lama perjalanan ke dan dari tempat pertemuan."),
    _confirmed_minutes("contact_minutes", "Menit tatap muka", _everywhere("confirmed_contact_minutes")),
    _confirmed_minutes("preparation_minutes", "Menit persiapan", _of_office("confirmed_preparation_minutes")),
    _confirmed_minutes("travel_minutes", "Menit perjalanan", _of_office("confirmed_travel_minutes")),
    Indicator(
        code="unconfirmed",
        name="Sesi belum dikonfirmasi",
        counts="Sesi yang usahanya ditanya tetapi belum menjawab.",
        formula="sesi tercatat − dikonfirmasi − disanggah − dari impor",
        unit="sesi",
        measure=Measure.SUM,
        events=("SessionCompleted", "SessionConfirmed", "SessionContested", "SessionCorrected", "SessionCancelled"),
        since=SINCE,
        leaves_out="Sesi impor: usahanya tidak pernah ditanya.",
        parts=("sessions", "confirmed", "contested", "imported"),
    ),
    Indicator(
        code="confirmed_share",
        name="Bagian sesi dikonfirmasi",
        counts="Berapa bagian dari sesi yang ditanyakan telah dibenarkan usahanya.",
        formula="dikonfirmasi ÷ (sesi tercatat − dari impor) × 100; kosong bila tidak ada sesi yang ditanyakan",
        unit="persen",
        measure=Measure.RATIO,
        events=("SessionCompleted", "SessionConfirmed", "SessionContested", "SessionCorrected", "SessionCancelled"),
        since=SINCE,
        leaves_out="Sesi impor: usahanya tidak pernah ditanya.",
        parts=("confirmed", "sessions", "imported"),
    ),
    Indicator(
        code="unconfirmed_contact_minutes",
        name="Menit tatap muka belum terkonfirmasi",
        counts="Menit tatap muka yang belum dibenarkan semua usaha sesinya.",
        formula="menit tatap muka − menit tatap muka terkonfirmasi",
        unit="menit",
        measure=Measure.SUM,
        events=(*HELD_BY, "SessionConfirmed", "SessionContested"),
        since=SINCE,
        leaves_out=f"{NOT_HELD} Menit sesi yang disanggah dan sesi impor termasuk.",
        parts=("contact_minutes", "confirmed_contact_minutes"),
    ),
    Indicator(
        code="idle_days",
        name="Hari tanpa kegiatan",
        counts="Berapa hari sejak hari terakhir kantor mencatat sesi atau mendaftarkan usaha.",
        formula="hari ini (WIB) − hari terakhir dengan sesi tercatat + usaha didaftarkan lebih dari 0",
        unit="hari",
        measure=Measure.RATIO,
        events=("BusinessRegistered", *HELD_BY),
        since="Sejak hari kantor mulai bekerja.",
        leaves_out="Rencana, pembatalan, dan perbaikan data usaha bukan kegiatan.",
        parts=("sessions", "registrations"),
    ),
)
