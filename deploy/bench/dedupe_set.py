"""A labelled set of registrations: who registers what once more, and what only looks as if. Made up from a seed.

Each group is a handful of registrations in their order; two of one `business` are one business. Half of the groups are
the same business written differently, as clerks and scanners do; half are businesses that must stay apart.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from deploy.demo.people import kelurahan_of, nik

_TRADES = (
    "Keripik Singkong", "Batik Tulis", "Sepatu Kulit", "Kopi Bubuk", "Tempe", "Sambal Pecel", "Anyaman Bambu",
    "Katering", "Roti Manis", "Jamu", "Kerupuk Ikan", "Tas Rajut", "Mebel Jati", "Madu", "Salon", "Bengkel",
    "Laundry", "Konveksi",
)  # fmt: skip
_PROPER = (
    "Barokah", "Rejeki", "Makmur", "Arum", "Jaya", "Melati", "Lestari", "Mandiri", "Tunas", "Sejahtera", "Sumber",
    "Citra", "Karya", "Bina", "Mekar", "Sari", "Abadi", "Utama", "Santosa", "Mulia", "Agung", "Putra", "Kencana",
    "Surya", "Wijaya", "Dahlia", "Cempaka", "Anugrah", "Sentosa", "Harapan", "Kurnia", "Bahagia", "Gemilang",
    "Nusantara", "Pelangi", "Kartika", "Sakinah", "Hidayah", "Amanah", "Berlian", "Mutiara", "Samudra", "Rahayu",
    "Widodo", "Majapahit", "Trowulan", "Brantas",
)  # fmt: skip
_PERSONS = (
    "Siti Aminah", "Budi Santoso", "Sri Wahyuni", "Agus Prasetyo", "Dewi Lestari", "Slamet Riyadi", "Nur Hidayati",
    "Joko Susilo", "Endang Rahayu", "Mochamad Arifin", "Yuli Astutik", "Bambang Hariyanto", "Lilik Indrawati",
    "Suparman", "Rina Kusumawati", "Hadi Purnomo", "Fatimah Zahra", "Wahyu Nugroho", "Khusnul Khotimah",
    "Eko Wibowo",
)  # fmt: skip
_OFFICES = ("35.76", "35.79")
GROUPS_PER_KIND = 40
_MISREAD = {"i": "1", "o": "0", "s": "5"}


@dataclass(frozen=True)
class Registered:
    """One registration; `business` numbers within its group what it really is."""

    business: int
    office: str
    trade_name: str
    kelurahan: str
    owner: str
    nik: str
    phone: str | None
    kinds: tuple[str, ...] = ("umkm",)


Group = tuple[Registered, ...]


class Maker:
    """Dice, and the groups that they make."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311  a measurement's dice
        self._phone = 0

    def same(self) -> tuple[Callable[[], Group], ...]:
        """Ways in which one business is registered twice."""
        return (
            self.typing_error,
            self.misread,
            self.legal_form,
            self.short_form,
            self.other_nik,
            self.other_office,
            self.moved,
            self.name_only,
        )

    def different(self) -> tuple[Callable[[], Group], ...]:
        """Businesses that resemble each other and are not one."""
        return (
            self.trades_of_one_owner,
            self.one_brand_two_trades,
            self.namesakes,
            self.common_name,
            self.same_name_elsewhere,
            self.cooperative_and_shop,
            self.branches,
            self.phone_of_an_officer,
        )

    def first(self) -> Registered:
        office = self.dice.choice(_OFFICES)
        return Registered(
            business=0,
            office=office,
            trade_name=f"{self.dice.choice(_TRADES)} {self.proper()}",
            kelurahan=self.dice.choice(kelurahan_of(office)),
            owner=self.dice.choice(_PERSONS),
            nik=nik(self.dice, office),
            phone=self.phone() if self.dice.random() < 0.8 else None,
        )

    def proper(self) -> str:
        return " ".join(self.dice.sample(_PROPER, 2 if self.dice.random() < 0.8 else 1))

    def phone(self) -> str:
        self._phone += 1
        return f"0812{self._phone:08d}"

    # One business, twice.

    def typing_error(self) -> Group:
        one = self.first()
        return one, replace(one, trade_name=self.mistyped(one.trade_name))

    def misread(self) -> Group:
        one = self.first()
        places = [place for place, letter in enumerate(one.trade_name) if letter in _MISREAD]
        name = list(one.trade_name)
        for place in self.dice.sample(places, min(2, len(places))):
            name[place] = _MISREAD[name[place]]
        return one, replace(one, trade_name="".join(name))

    def legal_form(self) -> Group:
        one = self.first()
        return one, replace(one, trade_name=f"{self.dice.choice(('UD', 'CV.', 'Toko', 'PT'))} {one.trade_name.upper()}")

    def short_form(self) -> Group:
        one = self.first()
        words = one.trade_name.split()
        words[-1] = words[-1][0] + next((letter for letter in words[-1][1:] if letter not in "aiueo"), "") + "."
        return one, replace(one, trade_name=" ".join(words))

    def other_nik(self) -> Group:
        """The NIK of a husband or wife, the same telephone."""
        one = replace(self.first(), phone=self.phone())
        owner = self.dice.choice(_PERSONS)
        return one, replace(one, trade_name=self.mistyped(one.trade_name), owner=owner, nik=nik(self.dice, one.office))

    def other_office(self) -> Group:
        one = self.first()
        other = _OFFICES[one.office == _OFFICES[0]]
        return one, replace(one, office=other, trade_name=self.mistyped(one.trade_name), phone=None)

    def moved(self) -> Group:
        one = self.first()
        return one, replace(one, kelurahan=self.dice.choice(kelurahan_of(one.office)))

    def name_only(self) -> Group:
        """Nothing shared but name and place, and the owner's name: his number was mistyped."""
        one = self.first()
        return one, replace(one, trade_name=self.mistyped(one.trade_name), nik=nik(self.dice, one.office), phone=None)

    # Several businesses.

    def trades_of_one_owner(self) -> Group:
        one = self.first()
        trades = self.dice.sample(_TRADES, 3)
        return tuple(
            replace(one, business=place, trade_name=f"{trade} {self.proper()}") for place, trade in enumerate(trades)
        )

    def one_brand_two_trades(self) -> Group:
        one, brand = self.first(), self.proper()
        trades = self.dice.sample(_TRADES, 3)
        return tuple(replace(one, business=place, trade_name=f"{trade} {brand}") for place, trade in enumerate(trades))

    def namesakes(self) -> Group:
        """Two persons of one name, each with a business of the same trade in one kelurahan."""
        one = self.first()
        trade = self.dice.choice(_TRADES)
        brands = self.dice.sample(_PROPER, 2)
        return tuple(
            replace(self.stranger(one, place), owner=one.owner, trade_name=f"{trade} {brand}")
            for place, brand in enumerate(brands)
        )

    def common_name(self) -> Group:
        """Two owners in one kelurahan with names that half of all businesses have."""
        one = replace(self.first(), trade_name=f"{self.dice.choice(_TRADES)} Barokah")
        return one, self.stranger(one, 1)

    def same_name_elsewhere(self) -> Group:
        one = self.first()
        elsewhere = self.dice.choice([code for code in kelurahan_of(one.office) if code != one.kelurahan])
        return one, replace(self.stranger(one, 1), kelurahan=elsewhere)

    def cooperative_and_shop(self) -> Group:
        one, brand = self.first(), self.proper()
        cooperative = replace(one, trade_name=f"Koperasi {brand}", kinds=("cooperative",))
        return cooperative, replace(one, business=1, trade_name=f"Toko {brand}")

    def branches(self) -> Group:
        one = self.first()
        return tuple(replace(one, business=place, trade_name=f"{one.trade_name} {place + 1}") for place in range(3))

    def phone_of_an_officer(self) -> Group:
        """The officer's own number for clients who have none; their names begin with the same trade."""
        phone, trade, first = self.phone(), self.dice.choice(_TRADES), self.first()
        brands = self.dice.sample(_PROPER, 8)
        return tuple(
            replace(self.stranger(first, place), trade_name=f"{trade} {brand}", phone=phone)
            for place, brand in enumerate(brands)
        )

    def stranger(self, one: Registered, business: int) -> Registered:
        """Somebody else in the same kelurahan."""
        owner = self.dice.choice([person for person in _PERSONS if person != one.owner])
        phone = self.phone() if one.phone else None
        return replace(one, business=business, owner=owner, nik=nik(self.dice, one.office), phone=phone)

    def mistyped(self, name: str) -> str:
        """A letter left out, doubled, swapped with its neighbour or hit beside; now and then two slips."""
        for _ in range(self.dice.choice((1, 1, 2))):
            place = self.dice.randrange(1, len(name) - 2)
            slips = (
                name[:place] + name[place + 1 :],
                name[:place] + name[place] + name[place:],
                name[:place] + name[place + 1] + name[place] + name[place + 2 :],
                name[:place] + self.dice.choice("aeioustrn") + name[place + 1 :],
            )
            name = self.dice.choice(slips)
        return name


def groups(seed: int, per_kind: int = GROUPS_PER_KIND) -> Iterator[tuple[str, Group]]:
    """Yields the groups, each with the name of its kind, all kinds in turn."""
    maker = Maker(seed)
    for _ in range(per_kind):
        for make in (*maker.same(), *maker.different()):
            yield make.__name__, make()
