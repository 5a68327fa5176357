"""Rupiah as people type them, and as they are shown (domain.md §3.3). Whole rupiah, always."""

import re
from decimal import Context, Decimal, localcontext

MOST = 2**63 - 1  # what a bigint holds
_UNITS = {
    "ribu": 10**3,
    "rb": 10**3,
    "juta": 10**6,
    "jt": 10**6,
    "miliar": 10**9,
    "milyar": 10**9,
    "mlr": 10**9,
    "m": 10**9,
    "triliun": 10**12,
    "trilyun": 10**12,
    "t": 10**12,
}
_DIGITS = {
    name: value
    for value, name in enumerate("nol satu dua tiga empat lima enam tujuh delapan sembilan".split())  # noqa: SIM905
}
_TENS = {"belas": 10, "puluh": 10, "ratus": 100}
_GROUPED = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?")
_GROUPED_BY_BLANKS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?: [0-9]{3})+(?![0-9.])")
_GROUPED_BY_COMMAS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){2,}(?:\.[0-9]+)?")
_POINT_BEFORE_UNIT = re.compile(r"[0-9]{1,3}\.[0-9]{1,2}")
_TOKENS = re.compile(r"[0-9][0-9.,]*|[a-z]+")
_LEAST_IN_FULL = 1000  # behind millions, "lima ratus" alone may stand for as many thousands
_CURE = "Tulis misalnya 50 jt, 1,2 miliar, atau Rp 50.000.000."
_EXACT = Context(prec=1000)  # no body is long enough to need a digit more
_UNKNOWN = frozenset({"", "-", "?", "tidak tahu", "belum tahu", "tidak ada data", "n/a", "na"})


class MoneyError(ValueError):
    """An amount that cannot be read for certain: `message` says what is wrong, `cure` how to mend it."""

    def __init__(self, message: str, cure: str = _CURE) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


def parse_rupiah(typed: str) -> int:
    """Returns whole rupiah: of "50 jt", "1,2 M" (miliar), "Rp1.250.000,00", "dua juta lima ratus ribu".

    A point parts thousands: "1.500" is 1500. Refused: negative, unknown (which is not 0), a part of a rupiah,
    what a bigint does not hold, and whatever could be read in two ways.
    """
    text = _plain(typed)
    if text in _UNKNOWN:
        raise MoneyError("Jumlah tidak diketahui.", "Kosongkan bila tidak tahu; 0 berarti memang tidak ada.")
    if text.startswith(("-", "(", "minus ", "negatif ")):
        raise MoneyError("Jumlah tidak boleh kurang dari nol.", "Tulis jumlahnya tanpa tanda minus.")
    with localcontext(_EXACT):
        return _whole(_sum_of_terms(_tokens(text)))


def format_rupiah(amount: int) -> str:
    """Returns `Rp1.250.000`, or `-Rp1.250.000`."""
    return f"{'-' if amount < 0 else ''}Rp{abs(amount):,}".replace(",", ".")


def _plain(typed: str) -> str:
    """Without the currency's sign and the strokes that stand for no cents (`50.000,-`)."""
    text = " ".join(typed.casefold().replace("\u2212", "-").replace("\u2013", "-").split())
    text = re.sub(r"^(-?)\s*(?:rp\.?|idr)\s*", r"\1", text)
    text = re.sub(r"\s*(?:rupiah|,\s*-{1,2}|\.-)$", "", text)
    return _GROUPED_BY_BLANKS.sub(lambda found: found[0].replace(" ", ""), text.strip())


def _tokens(text: str) -> list[str]:
    tokens = _TOKENS.findall(text)
    if re.sub(r"\s", "", text) != "".join(tokens):
        raise MoneyError("Jumlah rupiah tidak terbaca.")
    return [part for word in tokens for part in _parted(word)]


def _parted(word: str) -> list[str]:
    """`seratus` as `satu ratus`, `sejuta` as `satu juta`."""
    rest = word.removeprefix("se")
    return ["satu", rest] if rest != word and (rest in _TENS or rest in _UNITS) else [word]


def _sum_of_terms(tokens: list[str]) -> Decimal:
    """`2 juta 500 ribu`: each term is smaller than the one before it."""
    total, smallest = Decimal(0), None
    while tokens:
        amount, unit, tokens = _term(tokens)
        if smallest is not None and amount * unit >= smallest:
            raise MoneyError("Jumlah rupiah tidak terbaca.")
        if smallest is not None and smallest >= _UNITS["juta"] and 0 < amount * unit < _LEAST_IN_FULL:
            raise MoneyError("Jumlah di belakang juta bisa berarti ribuan atau rupiah.")
        total, smallest = total + amount * unit, Decimal(unit)
    return total


def _term(tokens: list[str]) -> tuple[Decimal, int, list[str]]:
    """The first amount and its unit, and what follows it."""
    at = next((place for place, word in enumerate(tokens) if word in _UNITS), len(tokens))
    unit = _UNITS[tokens[at]] if at < len(tokens) else 1
    return _amount(tokens[:at], before_unit=unit > 1), unit, tokens[at + 1 :]


def _amount(tokens: list[str], *, before_unit: bool) -> Decimal:
    if len(tokens) == 1 and tokens[0][0].isdigit():
        return _number(tokens[0], before_unit=before_unit)
    if tokens == ["setengah"] and before_unit:
        return Decimal("0.5")
    if len(tokens) > 1 and tokens[-1] == "setengah" and before_unit:
        return _words(tokens[:-1]) + Decimal("0.5")
    return _words(tokens)


def _number(text: str, *, before_unit: bool) -> Decimal:
    """Points part thousands and a comma the decimals; `1.5 jt` and `1,250,000` can only mean one thing too."""
    if _GROUPED.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    if _GROUPED_BY_COMMAS.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if before_unit and _POINT_BEFORE_UNIT.fullmatch(text):
        return Decimal(text)
    raise MoneyError("Titik dan koma pada jumlah rupiah tidak terbaca.", "Titik untuk ribuan, koma untuk desimal.")


def _words(tokens: list[str]) -> Decimal:
    """A number below a thousand in words: `dua ratus lima puluh`, `tujuh belas`."""
    total, digit, smallest = 0, None, 1000
    for word in tokens:
        if word in _DIGITS and digit is None:
            digit = _DIGITS[word]
        elif word in _TENS and digit and _TENS[word] < smallest:
            smallest = _TENS[word]
            total, digit = total + (10 + digit if word == "belas" else digit * smallest), None
            smallest = 1 if word == "belas" else smallest
        else:
            raise MoneyError("Jumlah rupiah tidak terbaca.")
    if not tokens or (digit is not None and smallest == 1):
        raise MoneyError("Jumlah rupiah tidak terbaca.")
    return Decimal(total + (digit or 0))


def _whole(amount: Decimal) -> int:
    if amount > MOST:
        raise MoneyError("Jumlah rupiah terlalu besar.", "Periksa lagi satuannya: ribu, juta atau miliar.")
    if amount != amount.to_integral_value():
        raise MoneyError("Jumlah harus rupiah bulat.", "Titik untuk ribuan, misalnya 1.500; hilangkan sen.")
    return int(amount)
