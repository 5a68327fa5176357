"""How many businesses were served: each once, however often it came and whichever offices met it."""

from services.reporting.indicators.activity import NOT_HELD, SINCE
from services.reporting.indicators.card import Amount, Indicator, Measure

_MET_BY = ("SessionCompleted", "SessionResolved", "SessionAccepted", "SessionCorrected", "SessionCancelled")


def _distinct(code: str, name: str, counts: str, formula: str, events: tuple[str, ...], leaves_out: str) -> Indicator:
    return Indicator(
        code=code,
        name=name,
        counts=counts,
        formula=formula,
        unit="usaha",
        measure=Measure.DISTINCT,
        events=events,
        since=SINCE,
        leaves_out=leaves_out,
        reads=(Amount("businesses_served", code),),
    )


CARDS = (
    _distinct(
        "served",
        "Usaha dilayani",
        "Usaha berbeda yang hadir dalam sedikitnya satu sesi tercatat. Untuk provinsi tiap usaha dihitung sekali,"
        " berapa pun kantor yang melayaninya, sehingga angka provinsi bisa lebih kecil daripada jumlah kantor.",
        "banyaknya usaha berbeda dalam sesi tercatat kantor (atau provinsi) pada periode",
        _MET_BY,
        f"Usaha yang pendaftarannya belum sampai (sesi sementara). {NOT_HELD}",
    ),
    _distinct(
        "attested",
        "Usaha dilayani yang membenarkan",
        "Usaha dilayani yang sendiri membenarkan sedikitnya satu sesinya pada periode itu.",
        "banyaknya usaha berbeda dengan sedikitnya satu sesi tercatat yang dibenarkan usaha itu",
        ("SessionConfirmed", "SessionContested", "SessionCorrected", "SessionCancelled"),
        "Usaha yang belum menjawab, menyanggah, atau hanya hadir dalam sesi impor.",
    ),
    _distinct(
        "newly_served",
        "Usaha baru dilayani",
        "Usaha yang sesi pertamanya di seluruh provinsi jatuh pada periode itu. Untuk kantor: yang sesi pertamanya itu"
        " diadakan kantor tersebut.",
        "banyaknya usaha berbeda yang hari sesi pertamanya dalam periode",
        _MET_BY,
        "Usaha yang sebelumnya sudah dilayani kantor mana pun. Sesi lama yang baru diterima dapat memindahkan hari"
        " pertama.",
    ),
    _distinct(
        "intensive",
        "Usaha didampingi intensif",
        "Usaha yang dalam satu tahun mendapat sedikitnya 5 jam tatap muka, dijumlahkan dari semua kantor. Untuk kantor:"
        " yang di antaranya dilayani kantor itu pada tahun tersebut.",
        "banyaknya usaha berbeda dengan jumlah menit tatap muka setahun ≥ 300",
        _MET_BY,
        f"Menit persiapan dan perjalanan. Hanya dihitung per tahun. {NOT_HELD}",
    ),
    Indicator(
        code="returning",
        name="Usaha lama dilayani lagi",
        counts="Usaha dilayani yang sudah pernah dilayani sebelum periode itu, oleh kantor mana pun.",
        formula="usaha dilayani − usaha baru dilayani",
        unit="usaha",
        measure=Measure.DISTINCT,
        events=_MET_BY,
        since=SINCE,
        leaves_out="Usaha yang baru pertama kali dilayani.",
        parts=("served", "newly_served"),
    ),
)
