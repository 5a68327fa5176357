"""Sealed values open with their own key, at their own place, and nowhere else."""

import base64
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import new_id
from shared.privacy.blind_index import BlindIndex
from shared.privacy.keys import KeyDirectoryError, Keys, create_keys, derive_keys, load_keys
from shared.privacy.sealing import KeyWrapper, SealError, WrappedKey

KEYS = Keys("kek-0002", {"kek-0001": b"1" * 32, "kek-0002": b"2" * 32}, b"i" * 32)
PERSON, OTHER = new_id(), new_id()


@given(st.text())
def test_what_was_sealed_opens_again(text: str) -> None:
    wrapper = KeyWrapper(KEYS)
    key, wrapped = wrapper.new_key(PERSON)
    sealed = key.seal("name", text)
    assert wrapper.unwrap(PERSON, wrapped).open("name", sealed) == text
    assert len(sealed) == len(text.encode()) + 12 + 16


def test_a_value_opens_at_its_own_place_only() -> None:
    wrapper = KeyWrapper(KEYS)
    key, wrapped = wrapper.new_key(PERSON)
    stranger, _ = wrapper.new_key(PERSON)
    sealed = key.seal("name", "Siti Aminah")
    assert key.seal("name", "Siti Aminah") != sealed, "a nonce of its own each time"

    with pytest.raises(SealError):
        key.open("address", sealed)
    with pytest.raises(SealError):
        stranger.open("name", sealed)
    for place in range(len(sealed)):
        with pytest.raises(SealError):
            key.open("name", sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
    for cut in (b"", sealed[:5], sealed[:-1]):
        with pytest.raises(SealError):
            key.open("name", cut)
    for person, moved in [
        (OTHER, wrapped),
        (PERSON, WrappedKey(2, wrapped.kek, wrapped.sealed)),
        (PERSON, WrappedKey(1, "kek-0001", wrapped.sealed)),
        (PERSON, WrappedKey(1, "kek-0009", wrapped.sealed)),
    ]:
        with pytest.raises(SealError):
            wrapper.unwrap(person, moved)


def test_a_new_kek_leaves_old_persons_readable() -> None:
    old = KeyWrapper(Keys("kek-0001", {"kek-0001": b"1" * 32}, b"i" * 32))
    key, wrapped = old.new_key(PERSON)
    assert wrapped.kek == "kek-0001"
    assert KeyWrapper(KEYS).unwrap(PERSON, wrapped).open("x", key.seal("x", "y")) == "y"
    assert KeyWrapper(KEYS).new_key(PERSON)[1].kek == "kek-0002"


def test_blind_indexes_of_two_columns_cannot_be_joined() -> None:
    columns = [("a", "x.nik"), ("a", "x.phone"), ("b", "x.nik")]
    digests = [BlindIndex(root.encode() * 32, column).digest("3576025509800001") for root, column in columns]
    assert all(one != other for one, other in itertools.combinations(digests, 2))
    assert BlindIndex(b"a" * 32, "x.nik").digest("3576025509800001") == digests[0]
    assert len(digests[0]) == 32


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    create_keys(directory)
    made = load_keys(directory)
    create_keys(directory)
    assert load_keys(directory) == made
    assert sorted(path.name for path in directory.iterdir()) == ["index-0001.key", "kek-0001.key"]
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert base64.b64encode(made.index_root).decode() not in repr(made)
    assert made.current == "kek-0001"

    (directory / "kek-0002.key").write_text(base64.b64encode(b"2" * 32).decode())
    (directory / "kek-0002.key").chmod(0o600)
    assert load_keys(directory).current == "kek-0002"


@pytest.mark.parametrize(
    ("name", "text", "mode"),
    [
        ("kek-0001.key", "", 0o600),
        ("kek-0001.key", "not base64!", 0o600),
        ("kek-0001.key", "é", 0o600),
        ("kek-0001.key", base64.b64encode(b"short").decode(), 0o600),
        ("kek-0001.key", base64.b64encode(b"2" * 32).decode(), 0o644),
        ("index-0001.key", None, 0o600),
        ("kek-0001.key", None, 0o600),
    ],
)
def test_damaged_keys_are_named_with_a_cure(tmp_path: Path, name: str, text: str | None, mode: int) -> None:
    create_keys(tmp_path / "keys")
    path = tmp_path / "keys" / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(KeyDirectoryError) as wrong:
        load_keys(tmp_path / "keys")
    assert str(tmp_path) in str(wrong.value)
    assert wrong.value.cure


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyDirectoryError):
        load_keys(tmp_path / "nowhere")


def test_derived_keys_are_those_of_one_secret_and_one_purpose() -> None:
    keys, again = derive_keys(b"a secret", "sheets"), derive_keys(b"a secret", "sheets")
    assert (keys.current, keys.keks, keys.index_root) == (again.current, again.keks, again.index_root)
    key, wrapped = KeyWrapper(keys).new_key(PERSON)
    assert KeyWrapper(again).unwrap(PERSON, wrapped).open("file", key.seal("file", "isi")) == "isi"
    for other in (derive_keys(b"another secret", "sheets"), derive_keys(b"a secret", "letters")):
        assert other.index_root not in (keys.index_root, *keys.keks.values())
        with pytest.raises(SealError):
            KeyWrapper(other).unwrap(PERSON, wrapped)
