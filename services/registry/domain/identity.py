"""Identity on its way to and from the database: sealed under the person's own key, and indexed so that it can be found.

What belongs to a person's place in one business is sealed for that place: moved to another business, it does not open.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from services.registry.domain.owners import Owner
from shared.ids import new_id
from shared.privacy.blind_index import BlindIndex
from shared.privacy.identity import Address, Nik, Npwp, PersonName, Phone
from shared.privacy.keys import Keys
from shared.privacy.names import name_tokens
from shared.privacy.sealing import KeyWrapper, PersonKey, WrappedKey

# Enough to find a name among millions, too little to tell for certain what an index entry stands for.
TOKEN_BYTES = 8


@dataclass(frozen=True)
class Candidate:
    """What an owner is found by, and the person as he will be stored if the NIK is new to the province."""

    owner: Owner
    nik_index: bytes
    phone_index: bytes | None
    name_tokens: tuple[bytes, ...]
    id: UUID
    nik_sealed: bytes
    key: PersonKey
    wrapped: WrappedKey


@dataclass(frozen=True)
class SealedOwner:
    """What an office was told of an owner, ready for storing."""

    person: UUID
    name: bytes
    npwp: bytes | None
    phone: bytes | None
    address: bytes | None
    phone_index: bytes | None
    name_tokens: tuple[bytes, ...]


@dataclass(frozen=True)
class StoredOwner:
    """What is stored of an owner; `nik` and `wrapped` belong to the person, the rest to the place in this business."""

    person: UUID
    wrapped: WrappedKey
    nik: bytes
    name: bytes
    npwp: bytes | None
    phone: bytes | None
    address: bytes | None


class Vault:
    """Holds the installation's keys; the api has one, and the consumer, which seals and sends codes."""

    def __init__(self, keys: Keys) -> None:
        self._wrapper = KeyWrapper(keys)
        self._rows = BlindIndex(keys.index_root, "registry.import_row.fingerprint")
        self._niks = BlindIndex(keys.index_root, "registry.person.nik_index")
        self._phones = BlindIndex(keys.index_root, "registry.business_owner.phone_index")
        self._names = BlindIndex(keys.index_root, "registry.business_owner.name_tokens")
        self._tokens = BlindIndex(keys.index_root, "registry.attestation.token_digest")
        self._codes = BlindIndex(keys.index_root, "registry.attestation.code_digest")

    @property
    def import_keys(self) -> KeyWrapper:
        """What wraps the keys of imports: each has one of its own for its file and rows."""
        return self._wrapper

    @property
    def import_rows(self) -> BlindIndex:
        """What finds rows of imported sheets that are the same."""
        return self._rows

    def nik_index(self, nik: Nik) -> bytes:
        """Returns what finds the person of a NIK; equal for equal NIKs."""
        return self._niks.digest(nik.reveal())

    def phone_index(self, phone: Phone) -> bytes:
        """Returns what finds the businesses that are reached by a phone."""
        return self._phones.digest(phone.reveal())

    def name_tokens(self, name: PersonName) -> list[bytes]:
        """Returns what finds the owners whose names hold these words, however they are spelt."""
        return sorted(self._names.digest(token)[:TOKEN_BYTES] for token in name_tokens(name.reveal()))

    def candidate(self, owner: Owner) -> Candidate:
        person = new_id()
        key, wrapped = self._wrapper.new_key(person)
        return Candidate(
            owner=owner,
            nik_index=self.nik_index(owner.nik),
            phone_index=None if owner.phone is None else self.phone_index(owner.phone),
            name_tokens=tuple(self.name_tokens(owner.name)),
            id=person,
            nik_sealed=key.seal("nik", owner.nik.reveal()),
            key=key,
            wrapped=wrapped,
        )

    def seal(self, business: UUID, person: UUID, wrapped: WrappedKey, candidate: Candidate) -> SealedOwner:
        """Seals what was told of an owner under the person's stored key. Raises SealError if that key does not open."""
        return self._sealed(business, self._wrapper.unwrap(person, wrapped), candidate)

    def seal_new(self, business: UUID, candidate: Candidate) -> SealedOwner:
        """Seals what was told of an owner whom the province does not know, under the key that he was given here."""
        return self._sealed(business, candidate.key, candidate)

    def _sealed(self, business: UUID, key: PersonKey, candidate: Candidate) -> SealedOwner:
        owner = candidate.owner

        def sealed(field: str, value: Npwp | Phone | Address | None) -> bytes | None:
            return None if value is None else key.seal(_place(business, field), value.reveal())

        return SealedOwner(
            person=key.person,
            name=key.seal(_place(business, "name"), owner.name.reveal()),
            npwp=sealed("npwp", owner.npwp),
            phone=sealed("phone", owner.phone),
            address=sealed("address", owner.address),
            phone_index=candidate.phone_index,
            name_tokens=candidate.name_tokens,
        )

    def open(self, business: UUID, stored: StoredOwner) -> Owner:
        """Returns an owner in types that show masks only. Raises SealError for what was sealed elsewhere."""
        key = self._wrapper.unwrap(stored.person, stored.wrapped)
        npwp = _opened(key, business, "npwp", stored.npwp)
        phone = _opened(key, business, "phone", stored.phone)
        address = _opened(key, business, "address", stored.address)
        return Owner(
            name=PersonName(key.open(_place(business, "name"), stored.name)),
            nik=Nik(key.open("nik", stored.nik)),
            npwp=None if npwp is None else Npwp(npwp),
            phone=None if phone is None else Phone(phone),
            address=None if address is None else Address(address),
        )

    def open_phone(self, business: UUID, person: UUID, wrapped: WrappedKey, sealed: bytes) -> Phone:
        """Returns the number alone, for sending to it. Raises SealError."""
        return Phone(self._wrapper.unwrap(person, wrapped).open(_place(business, "phone"), sealed))

    def token_digest(self, token: str) -> bytes:
        """Returns what finds a conversation by the token that its client was sent."""
        return self._tokens.digest(token)

    def code_digest(self, attestation: UUID, code: str) -> bytes:
        """Returns what a code is compared by; without the key six digits would be guessed from their hash."""
        return self._codes.digest(f"{attestation}/{code}")

    def seal_message(self, attestation: UUID, person: UUID, wrapped: WrappedKey, text: str) -> bytes:
        """Seals what one person is to be sent; erasing the person erases it too."""
        return self._wrapper.unwrap(person, wrapped).seal(_place(attestation, "message"), text)

    def open_message(self, attestation: UUID, person: UUID, wrapped: WrappedKey, sealed: bytes) -> str:
        """Returns what was sealed for sending. Raises SealError."""
        return self._wrapper.unwrap(person, wrapped).open(_place(attestation, "message"), sealed)


def lock_number(kind: str, value: bytes) -> int:
    """Returns the number of the lock of a shared key; should two keys share one, their commands queue."""
    digest = hashlib.blake2b(value, digest_size=8, person=kind.encode()[:16]).digest()
    return int.from_bytes(digest, "big", signed=True)


def _place(whole: UUID, field: str) -> str:
    return f"{whole}/{field}"


def _opened(key: PersonKey, business: UUID, field: str, sealed: bytes | None) -> str | None:
    return None if sealed is None else key.open(_place(business, field), sealed)
