"""Problems that callers can mend, as problem+json (RFC 9457) in Bahasa Indonesia."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field (`owner.nik`) and how to mend it."""

    field: str
    message: str
    cure: str

    def as_json(self) -> dict[str, str]:
        """Returns what callers are shown of it."""
        return {"field": self.field, "message": self.message, "cure": self.cure}


class Problem(Exception):
    """Raised anywhere below the edge; answered as `{type, title, status, detail, cure, errors, correlation_id}`.

    `kind` is a stable slug such as `business-exists`; `title`, `detail` and `cure` are in Bahasa and hold no identity.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        *,
        cure: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{status} {kind}: {detail}")
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.cure = cure
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def at_field(field: str, message: str, cure: str) -> Problem:
    """The 422 answer where one field is wrong: what is said of it is said of the whole."""
    errors = [FieldProblem(field, message, cure)]
    return Problem(422, "invalid-input", "Isian tidak sah", message, cure=cure, errors=errors)


def faults_of_correction(emptied: Sequence[str], *, nothing: bool) -> list[FieldProblem]:
    """Returns what is wrong with a correction that empties what must not be empty, or corrects nothing."""
    if nothing:
        return [FieldProblem("", "Tidak ada yang diubah.", "Isi sedikitnya satu hal yang hendak diubah.")]
    cure = "Isi, atau hilangkan dari kiriman bila tidak berubah."
    return [FieldProblem(field, "Tidak boleh dikosongkan.", cure) for field in emptied]


def stale(seen: int, current: int) -> Problem:
    """The answer to an edit over a revision that is not the newest any more."""
    return Problem(
        412,
        "revision-stale",
        "Data sudah diubah orang lain",
        f"Anda mengubah revisi {seen}, padahal sekarang sudah revisi {current}.",
        cure="Baca lagi datanya, periksa perubahannya, lalu ulangi dengan ETag yang baru.",
        extra={"seen_revision": seen, "current_revision": current},
    )


def written(problem: Problem, correlation_id: str) -> bytes:
    """Returns the problem's JSON document (RFC 9457 with `cure`, `errors` and `correlation_id`)."""
    body: dict[str, Any] = {
        "type": f"urn:plut:problem:{problem.kind}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "cure": problem.cure,
        "errors": [error.as_json() for error in problem.errors],
        "correlation_id": correlation_id,
        **problem.extra,
    }
    return json.dumps(body, default=str).encode()
