"""Sealing: nobody opens, alters or moves a sealed value."""

from __future__ import annotations

import pytest

from getdata.common.crypto import CannotOpen, digest, scope_key, seal, unseal

SECRET = b"\x00\x01original bytes\xff" * 100


@pytest.mark.parametrize("data", [b"", b"x", SECRET])
def test_what_was_sealed_opens_in_its_own_scope(data: bytes) -> None:
    sealed = seal(data, scope="originals:hospital-1")
    assert unseal(sealed, scope="originals:hospital-1") == data
    assert unseal(memoryview(sealed), scope="originals:hospital-1") == data  # type: ignore[arg-type]
    assert data == b"" or len(data) < 8 or data[:16] not in sealed


@pytest.mark.parametrize("scope", ["originals:hospital-2", "names:hospital-1", "originals:hospital-1 ", ""])
def test_a_value_moved_to_another_scope_does_not_open(scope: str) -> None:
    with pytest.raises(CannotOpen):
        unseal(seal(SECRET, scope="originals:hospital-1"), scope=scope)


def test_the_scope_is_bound_by_associated_data_and_not_only_by_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getdata.common.crypto.scope_key", lambda scope, master=None: b"k" * 32)
    sealed = seal(SECRET, scope="a")
    assert unseal(sealed, scope="a") == SECRET
    with pytest.raises(CannotOpen):
        unseal(sealed, scope="b")


@pytest.mark.parametrize("place", [0, 2, 3, 14, 15, 60, -1])
def test_one_changed_bit_anywhere_does_not_open(place: int) -> None:
    sealed = bytearray(seal(SECRET, scope="s"))
    sealed[place] ^= 1
    with pytest.raises(CannotOpen):
        unseal(bytes(sealed), scope="s")


@pytest.mark.parametrize("sealed", [b"", b"GD1", b"GD1short", b"plain text that was never sealed"])
def test_what_is_no_sealed_value_is_said_to_be_none(sealed: bytes) -> None:
    with pytest.raises(CannotOpen):
        unseal(sealed, scope="s")


def test_sealing_twice_gives_two_different_values() -> None:
    assert seal(SECRET, scope="s") != seal(SECRET, scope="s")


def test_another_master_key_opens_nothing(settings: object) -> None:
    sealed = seal(SECRET, scope="s")
    settings.GETDATA_MASTER_KEY = b"m" * 32  # type: ignore[attr-defined]
    with pytest.raises(CannotOpen):
        unseal(sealed, scope="s")


@pytest.mark.django_db
def test_fingerprints_are_equal_within_a_scope_and_unrelated_across() -> None:
    assert digest("DOE.dcm", scope="h1") == digest("DOE.dcm", scope="h1")
    assert digest("DOE.dcm", scope="h1") != digest("DOE.dcm", scope="h2")
    assert digest("DOE.dcm", scope="h1") != digest("ROE.dcm", scope="h1")
    assert len(digest("x", scope="h1")) == 64
    assert scope_key("digest:h1") != scope_key("h1")
