"""Which kelurahan or desa somebody meant: by its code, a code of before the split of Kranggan, or its name.

Pure but for the two lists beside it (domain.md §2.1).
"""

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from rapidfuzz import fuzz, process

from shared.reference.regions import Region, is_kelurahan, regions

MOST_CANDIDATES = 5
# Likeness in percent: from SURE on somebody may be taken to have meant it, if no other place comes within LEAD of it.
# A short name must be right to the letter: the next village is one letter away.
_SURE, _LEAD, _POSSIBLE = 88.0, 4.0, 65.0
_SHORT = 8
_EQUAL = 100.0
# What stands behind a name is long and mostly right: the name itself must be like the place's own too.
_SURE_OF_THE_NAME = 80.0
_CODE = re.compile(r"(?<![0-9])[0-9]{2}(?:[. ]?[0-9]{2}){2}[. ]?[0-9]{4}(?![0-9])")
# What people write before a name; "kota" and "kabupaten" are kept apart, for Mojokerto is both.
_LABELS = frozenset({"kel", "kelurahan", "desa", "ds", "kec", "kecamatan"})
_PROVINCE = re.compile(r"\b(?:prov(?:insi)?\b\W*)?(?:jawa timur|jatim)\b")
_REGENCY_LABELS: Mapping[str, str] = {"kota": "71", "kab": "01", "kabupaten": "01"}


@dataclass(frozen=True)
class Place:
    """A kelurahan or desa; `note` says in Bahasa how what was typed was understood, where it was not its code."""

    code: str
    note: str | None = None


class PlaceUnknown(ValueError):
    """No place, or several: `candidates` are those that could have been meant, the likeliest first."""

    def __init__(self, candidates: Sequence[Region]) -> None:
        super().__init__("no such place")
        self.candidates = candidates


def find_kelurahan(typed: str, near: str | None = None) -> Place:
    """Returns the one kelurahan or desa that was meant. Raises PlaceUnknown with up to five candidates.

    Of namesakes, one in the kabupaten or kota `near` is meant, for offices register their neighbours.
    """
    if is_kelurahan(typed):
        return Place(typed)
    code, text = _parted(typed)
    if code is None:
        return _by_name(text, near)
    place = _by_code(code)
    _refuse_another_name(text, place.code)
    return place


def may_mean(typed: str, code: str) -> bool:
    """Tells whether somebody may have meant this very kelurahan: by its code, its code of before, or its name."""
    told, text = _parted(typed)
    if told is not None:
        return code in (told, replaced_codes().get(told))
    name, ranks = _read_name(text)
    best = max(fuzz.ratio(name, form) for form in _written(regions()[code]))
    return (not ranks or _rank(code) in ranks) and (best == _EQUAL or (best >= _SURE and len(name) >= _SHORT))


def full_name(place: Region) -> str:
    """Returns `Blooto, Kec. Prajuritkulon, Kota Mojokerto`."""
    return f"{place.name}, Kec. {regions()[place.code[:8]].name}, {regions()[place.regency].name}"


@cache
def replaced_codes() -> Mapping[str, str]:
    """Returns today's code by each code that Kota Mojokerto gave up when Kranggan was split off (2018)."""
    text = files(__package__).joinpath("wilayah_mojokerto_perubahan.csv").read_text(encoding="utf-8")
    return {row["kode_lama"]: row["kode_baru"] for row in csv.DictReader(text.splitlines())}


def _by_code(code: str) -> Place:
    if is_kelurahan(code):
        return Place(code)
    today = replaced_codes().get(code)
    if today is None:
        raise PlaceUnknown([])
    return Place(today, f"Kode lama; dicatat dengan kode sekarang {today} ({full_name(regions()[today])}).")


def _dotted(text: str) -> str:
    digits = re.sub(r"[. ]", "", text)
    return f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}.{digits[6:]}"


def _parted(typed: str) -> tuple[str | None, str]:
    """The code that stands in a text, dotted, and the words beside it: `35.76.03.1001 - Kranggan`."""
    match = _CODE.search(typed)
    if match is None:
        return None, typed.strip()
    beside = f"{typed[: match.start()]} {typed[match.end() :]}".strip()
    return _dotted(match[0]), beside


def _refuse_another_name(text: str, code: str) -> None:
    """Raises PlaceUnknown for words beside a code that name another place."""
    try:
        named = _by_name(text, near=code[:5]).code
    except PlaceUnknown:
        return  # the code says all
    if named != code and not may_mean(text, code):
        raise PlaceUnknown([regions()[code], regions()[named]])


def _by_name(text: str, near: str | None) -> Place:
    name, ranks = _read_name(text)
    likely = _likely_near(name, ranks, near)
    at_home = [found for found in likely if near is not None and found[0].startswith(f"{near}.")]
    meant = _meant(name, at_home) or _meant(name, likely)
    if len(meant) != 1:
        raise PlaceUnknown(_candidates(likely))
    return Place(meant[0], f"Dibaca sebagai {full_name(regions()[meant[0]])} ({meant[0]}).")


def _likely_near(name: str, ranks: Collection[str], near: str | None) -> list[tuple[str, float]]:
    """The likely places; of those that are equally like, the ones near first."""
    likely = _likely(name, frozenset(ranks)) if name else []
    return sorted(likely, key=lambda found: (-found[1], near is None or not found[0].startswith(f"{near}.")))


def _candidates(likely: Sequence[tuple[str, float]]) -> list[Region]:
    return [regions()[code] for code, _ in likely[:MOST_CANDIDATES]]


def _read_name(text: str) -> tuple[str, set[str]]:
    """What is left without labels, joined; and whether a kota or a kabupaten was named, behind the first name."""
    words = re.findall(r"[^\W\d_]+", _PROVINCE.sub(" ", text.casefold()))
    names = [word for word in words if word not in _LABELS]
    behind = [word for word in names[1:] if word not in _REGENCY_LABELS]
    return "".join(names[:1] + behind), {_REGENCY_LABELS[word] for word in names[1:] if word in _REGENCY_LABELS}


def _meant(name: str, likely: Sequence[tuple[str, float]]) -> list[str]:
    """The places that nothing tells apart; none where the likeliest is not sure."""
    best = likely[0][1] if likely else 0
    if best == _EQUAL:
        return [code for code, likeness in likely if likeness == _EQUAL]
    if best < _SURE or len(name) < _SHORT:
        return []
    nearest = [code for code, likeness in likely if likeness > best - _LEAD]
    return nearest if _begins_with(name, nearest[0]) else []


def _begins_with(name: str, code: str) -> bool:
    """Tells whether a text begins with this place's own name, or nearly so."""
    own = _joined([regions()[code].name])
    return fuzz.ratio(name[: len(own)], own) >= _SURE_OF_THE_NAME


@lru_cache(maxsize=16_384)
def _likely(name: str, ranks: frozenset[str]) -> Sequence[tuple[str, float]]:
    """Kelurahan by falling likeness, each by the form of its name that comes nearest.

    A search takes milliseconds, and the rows of a sheet name the same places over and over.
    """
    best: dict[str, float] = {}
    forms, codes = _forms()
    for _, likeness, place in process.extract(name, forms, scorer=fuzz.ratio, score_cutoff=_POSSIBLE, limit=200):
        for code in codes[place]:
            if not ranks or _rank(code) in ranks:
                best[code] = max(likeness, best.get(code, 0))
    return sorted(best.items(), key=lambda found: (-found[1], found[0]))


def _rank(code: str) -> str:
    """`71` for a kota, `01` for a kabupaten: the second pair of a code tells (Permendagri 58/2021)."""
    return "71" if code[3:5] >= "71" else "01"


@cache
def _forms() -> tuple[list[str], list[list[str]]]:
    """Every way to write a kelurahan, joined and folded, and the codes that it stands for."""
    codes: dict[str, list[str]] = {}
    for place in regions().values():
        if is_kelurahan(place.code):
            for form in _written(place):
                codes.setdefault(form, []).append(place.code)
    return list(codes), list(codes.values())


def _written(place: Region) -> Iterator[str]:
    """The name alone, with its kecamatan of today or of before, with its kabupaten or kota, and with both."""
    regency = _joined(regions()[place.regency].name.split()[1:])
    name = _joined([place.name])
    for code in (place.code, *_codes_before().get(place.code, ())):
        kecamatan = _joined([regions()[code[:8]].name])
        yield from dict.fromkeys((name, name + kecamatan, name + regency, name + kecamatan + regency))


@cache
def _codes_before() -> Mapping[str, list[str]]:
    """The codes that each place gave up; the kecamatan in them is the one that older papers name."""
    before: dict[str, list[str]] = {}
    for old, today in replaced_codes().items():
        before.setdefault(today, []).append(old)
    return before


def _joined(names: Iterable[str]) -> str:
    return "".join(re.findall(r"[^\W\d_]+", " ".join(names).casefold()))
