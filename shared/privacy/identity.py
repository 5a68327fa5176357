"""What identifies a person. Each type shows a mask wherever it is printed, logged or formatted.

The text itself is asked for by name: `reveal()`.
"""

from typing import Self

_SHOWN = 4
_HIDDEN = "*"


class Secret:
    """A text that no log line, trace or template gets to see by accident. Not a str on purpose."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Returns the text in clear: for sealing and indexing, and for whoever was allowed to see it."""
        return self._text

    def __str__(self) -> str:
        return _HIDDEN * 3

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._text == self._text

    def __hash__(self) -> int:
        return hash((type(self), self._text))

    def __reduce__(self) -> str | tuple[type[Self], tuple[str]]:
        raise TypeError(f"{type(self).__name__} is not pickled: it would travel in clear")


class _Digits(Secret):
    """A number of which the last four digits are shown; one of less than eight digits shows nothing."""

    __slots__ = ()

    def __str__(self) -> str:
        digits = self._text
        if len(digits) < 2 * _SHOWN:
            return _HIDDEN * len(digits)
        return _HIDDEN * (len(digits) - _SHOWN) + digits[-_SHOWN:]


class Nik(_Digits):
    """Nomor Induk Kependudukan, 16 digits."""

    __slots__ = ()


class Npwp(_Digits):
    """Nomor Pokok Wajib Pajak, 15 or 16 digits."""

    __slots__ = ()


class Phone(_Digits):
    """A mobile number in E.164, `+628…`."""

    __slots__ = ()


class Address(Secret):
    """A street address; nothing of it is shown."""

    __slots__ = ()


class PersonName(Secret):
    """A person's name; printed as initials, `S. A.`."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(f"{word[0]}." for word in self._text.split()) or _HIDDEN
