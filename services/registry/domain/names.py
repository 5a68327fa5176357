"""Names as people spell them, folded until different spellings meet (domain.md §2.7).

A trade name is folded here as the function `fold_trade_name` of the database folds it: there to find what may be
alike, here to judge it. Owners' names are folded by `shared.privacy.names`, for they are kept as keyed tokens only.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from shared.privacy.names import OLD_SPELLING

_MARKS = re.compile("[\u0300-\u036f]")
_LEGAL_FORMS = re.compile(r"\b(?:ud|cv|pt|pd|fa|tb|tk|toko|usaha dagang|persero|tbk)\b")

# What clerks shorten, folded as names are.
_SHORT_FORMS = {
    "kop": "koperasi",
    "koprasi": "koperasi",
    "wr": "warung",
    "wrg": "warung",
    "wrng": "warung",
    "rm": "rumah makan",
    "krpk": "keripik",
    "kripik": "keripik",
    "krupuk": "kerupuk",
    "cathering": "katering",
    "catering": "katering",
    "laundri": "laundry",
    "londri": "laundry",
    "klontong": "kelontong",
}


@dataclass(frozen=True)
class TradeName:
    """A folded trade name in its parts: `words` by what they weigh, `trades` made or sold, `numbers` of a branch."""

    folded: str
    words: Mapping[str, float]
    trades: frozenset[str]
    numbers: frozenset[str]

    @property
    def is_a_cooperatives(self) -> bool:
        """Tells whether it begins as cooperatives call themselves."""
        return self.folded.partition(" ")[0] in _COOPERATIVES


def fold_trade_name(name: str) -> str:
    """Returns a name without accents, case, punctuation, legal forms, old spelling and doubled letters."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", name)).lower()
    text = " ".join("".join(char if char.isalnum() else " " for char in plain).split())
    for old, new in OLD_SPELLING:
        text = text.replace(old, new)
    text = re.sub(r"([^\W\d_])\1+", r"\1", text)
    return " ".join(_LEGAL_FORMS.sub(" ", text).split()) or text


# Words that say what is made or sold. They tell businesses of one owner apart, and say little of who the business is.
_TRADE_WORDS = (
    "abon anyaman asin ayam baju bakery bakpia bakso bambu batik bengkel beras besi bordir bubuk bunga busana cat "
    "cilok coklat dawet depot elektronik emping es fotokopi frozen furniture garmen gerabah getuk gorengan gula "
    "hijab ikan jahit jajan jamu jamur jati jilbab kafe kain kambing kaos katering kayu kebab kecap kelontong "
    "keramik keripik kerupuk konveksi koperasi kopi kosmetik krecek kue kulit kuningan laundry lele logam madu "
    "mainan makan makanan manis martabak mebel meubel mie minuman minyak mukena nasi nugget onde pecel pengrajin "
    "percetakan pisang pupuk rajut rengginang rias roti rujak rumah sablon salon sambal sandal sate sayur seblak "
    "selip semprong sepatu servis singkong sirup songkok soto susu tahu tanaman tapai tape tas teh telur tempe "
    "tenun ternak tulis warung wayang"
)
_TRADES = frozenset(map(fold_trade_name, _TRADE_WORDS.split()))
_COOPERATIVES = frozenset(
    map(fold_trade_name, ("koperasi", "ksp", "kspps", "kud", "kpri", "kopontren", "kopwan", "kopkar", "primkopti"))
)


def read_trade_name(name: str) -> TradeName:
    """Returns the parts of a trade name as it was typed."""
    folded = fold_trade_name(name)
    words = [part for word in folded.split() for part in _spelt_out(word).split()]
    lettered = [word for word in words if not word.isdigit()]
    return TradeName(
        folded=" ".join(words),
        words={word: len(word) * (1.0 if _trade(word) is None else _WEIGHT_OF_A_TRADE) for word in lettered},
        trades=frozenset(filter(None, map(_trade, lettered))),
        numbers=frozenset(word.lstrip("0") or "0" for word in words if word.isdigit()),
    )


def name_likeness(one: TradeName, other: TradeName) -> float:
    """Returns 0 to 1: how alike two names are, whatever the order of their words and wherever they are parted."""
    if not one.words or not other.words:
        return 1.0 if one.folded == other.folded else 0.0
    return max(_by_words(one.words, other.words), _parted_otherwise(one.words, other.words))


_WEIGHT_OF_A_TRADE = 0.5
# Names of which one is the other but for the blanks, and perhaps a slip of the keyboard.
_ALIKE = 0.87
_SHORTENED = 0.85
_LONGEST_SHORT_FORM = 3


def _parted_otherwise(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """How alike `maju jaya` and `majujaya` are; nothing for names of as many words, which are compared one by one."""
    if len(one) == len(other):
        return 0.0
    joined = OSA.normalized_similarity("".join(one), "".join(other))
    return joined if joined >= _ALIKE else 0.0


def _by_words(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The share of weight that stands in words with a counterpart, each counted by how like it is."""
    return (_covered(one, other) + _covered(other, one)) / (sum(one.values()) + sum(other.values()))


def _covered(words: Mapping[str, float], others: Mapping[str, float]) -> float:
    return sum(weight * max(_word_likeness(word, other) for other in others) for word, weight in words.items())


def _word_likeness(one: str, other: str) -> float:
    short, long = sorted((one, other), key=len)
    if OSA.distance(one, other) <= _slips(long):
        return OSA.normalized_similarity(one, other)
    return _SHORTENED if _shortens(short, long) else 0.0


def _slips(word: str) -> int:
    """How many letters may differ: `siti` and `sita` are two names, `sejahtera` and `sejatera` are one."""
    return 0 if len(word) <= _LONGEST_SHORT_FORM + 1 else 1 if len(word) < _LONG else 2


_LONG = 9


def _shortens(short: str, long: str) -> bool:
    """Tells whether a word is a short form: `sb` of `sumber`, its letters in order from the first on."""
    if not 1 < len(short) <= _LONGEST_SHORT_FORM < len(long) or short[0] != long[0]:
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)


def _spelt_out(word: str) -> str:
    """A short form in full, and digits among letters as the letters that they were read for (`bat1k`)."""
    word = _SHORT_FORMS.get(word, word)
    if word.isdigit() or not any(char.isdigit() for char in word):
        return word
    read = word.translate(_MISREAD)
    return read if read.isalpha() and len(read) >= _LONGEST_SHORT_FORM else word


_MISREAD = str.maketrans("015", "ois")


@lru_cache(maxsize=20_000)
def _trade(word: str) -> str | None:
    """The trade that a word names, also with one slip of the keyboard."""
    if word in _TRADES:
        return word
    if len(word) <= _LONGEST_SHORT_FORM + 1:
        return None
    return next((trade for trade in _TRADES_IN_ORDER if _is_slip(word, trade)), None)


def _is_slip(word: str, trade: str) -> bool:
    return abs(len(word) - len(trade)) <= 1 and OSA.distance(word, trade, score_cutoff=1) <= 1


_TRADES_IN_ORDER = sorted(trade for trade in _TRADES if len(trade) > _LONGEST_SHORT_FORM + 1)
