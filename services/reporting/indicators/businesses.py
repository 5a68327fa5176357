"""How many businesses there are, where, and how that has changed."""

from services.reporting.indicators.card import Amount, Indicator, Measure

_SINCE = "Sejak pendaftaran pertama, menurut hari pendaftaran dan penutupan (WIB)."
_PLACE = "Dihitung menurut letak usaha sekarang; tiap usaha sekali, dan di bawah setiap jenisnya."
_OTHER = "Pendaftaran yang ternyata usaha yang sudah terdaftar."
_ALL_EVENTS = ("BusinessRegistered", "BusinessCorrected", "BusinessClosed", "BusinessReopened", "BusinessMoved")

CARDS = (
    Indicator(
        code="businesses",
        name="Usaha terdaftar",
        counts=f"Usaha menurut wilayah, jenis, status dan kantor asal. {_PLACE} Karena satu usaha dapat berjenis"
        " beberapa, jumlah menurut jenis dapat melebihi banyaknya usaha.",
        formula="banyaknya usaha menurut keadaan terakhir",
        unit="usaha",
        measure=Measure.STOCK,
        events=_ALL_EVENTS,
        since=_SINCE,
        leaves_out=_OTHER,
        reads=(Amount("businesses_by_region", "businesses"),),
    ),
    Indicator(
        code="active_businesses",
        name="Usaha aktif",
        counts=f"Usaha yang tidak tutup. {_PLACE}",
        formula="usaha terdaftar yang berstatus aktif",
        unit="usaha",
        measure=Measure.STOCK,
        events=_ALL_EVENTS,
        since=_SINCE,
        leaves_out=f"Usaha yang sudah tutup. {_OTHER}",
        parts=("businesses",),
    ),
    Indicator(
        code="businesses_per_100000",
        name="Usaha aktif per 100.000 penduduk",
        counts="Usaha aktif dibandingkan dengan banyaknya penduduk kabupaten/kota.",
        formula="usaha aktif ÷ penduduk × 100.000, dibulatkan ke satu desimal",
        unit="usaha per 100.000 penduduk",
        measure=Measure.RATIO,
        events=_ALL_EVENTS,
        since=f"{_SINCE} Penduduk: angka Kemendagri yang menyertai sistem ini, sama untuk semua periode.",
        leaves_out="Wilayah di bawah kabupaten/kota, yang penduduknya tidak disertakan.",
        parts=("active_businesses",),
    ),
    Indicator(
        code="registered",
        name="Usaha bertambah",
        counts=f"Usaha yang didaftarkan pada bulan itu, menurut kabupaten/kota. {_PLACE}",
        formula="banyaknya usaha menurut bulan pendaftaran",
        unit="usaha",
        measure=Measure.SUM,
        events=("BusinessRegistered", "BusinessCorrected", "BusinessMoved"),
        since=_SINCE,
        leaves_out=_OTHER,
        reads=(Amount("businesses_over_time", "registered"),),
    ),
    Indicator(
        code="closed",
        name="Usaha tutup",
        counts=f"Usaha yang tutup pada bulan itu, menurut kabupaten/kota. {_PLACE}",
        formula="banyaknya usaha tutup menurut bulan penutupan",
        unit="usaha",
        measure=Measure.SUM,
        events=("BusinessClosed", "BusinessReopened"),
        since=_SINCE,
        leaves_out="Usaha yang dibuka kembali: penutupannya dianggap tidak pernah ada.",
        reads=(Amount("businesses_over_time", "closed"),),
    ),
    Indicator(
        code="stock",
        name="Usaha aktif pada akhir periode",
        counts=f"Usaha yang sudah terdaftar dan belum tutup pada hari terakhir periode. {_PLACE}",
        formula="jumlah usaha bertambah − jumlah usaha tutup, sampai akhir periode",
        unit="usaha",
        measure=Measure.STOCK,
        events=_ALL_EVENTS,
        since=_SINCE,
        leaves_out=f"Usaha yang dibuka kembali dihitung aktif selama ini. {_OTHER}",
        parts=("registered", "closed"),
    ),
)
