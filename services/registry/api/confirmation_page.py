"""The page where a client reads what was recorded and says whether it is true. No login, no cookie, no script.

The address holds the secret, so nothing can be forged from elsewhere: another site does not know it (no Referer
leaves), and a request that a browser calls cross-site is refused all the same.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.registry.api import conversations
from services.registry.api.attestations import wrong_code
from services.registry.api.conversations import Conversation
from services.registry.api.wiring import OpenVault
from services.registry.domain import attestations as rules
from services.registry.domain import messages as wording
from services.registry.domain.attestations import Deed, Standing, State
from services.registry.settings import TEMPLATES
from shared import days
from shared.clock import utc_now
from shared.http.problem import Problem
from shared.http.wiring import OpenPool
from shared.ids import new_id

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_STYLE = (TEMPLATES / "konfirmasi.css").read_bytes()
_STYLE_ADDRESS = f"/konfirmasi/gaya/{hashlib.sha256(_STYLE).hexdigest()[:12]}.css"
_TOKEN_LENGTH = 22

_pages = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.globals["style"] = _STYLE_ADDRESS
router = APIRouter(include_in_schema=False, dependencies=[Depends(conversations.admit)])


@router.get("/konfirmasi")
async def ask_for_reference(rujukan: Annotated[str | None, Query(max_length=200)] = None) -> Response:
    """For whoever cannot tap the link: the reference can be typed."""
    if rujukan is None:
        return _page("rujukan.html", problem=None)
    token = "".join(rujukan.split()).rpartition("/")[2]
    if len(token) != _TOKEN_LENGTH:
        problem = f"Rujukan terdiri atas {_TOKEN_LENGTH} huruf dan angka. Periksa lagi pada pesan."
        return _page("rujukan.html", 422, problem=problem)
    return RedirectResponse(f"/konfirmasi/{quote(token, safe='')}", 303, _HEADERS)


@router.get("/konfirmasi/gaya/{name}")
async def style(name: str) -> Response:
    del name  # only makes the address another one when the content changes
    return Response(_STYLE, headers={"Cache-Control": "public, max-age=31536000, immutable"}, media_type="text/css")


@router.get("/konfirmasi/{token}")
async def show(token: str, pool: OpenPool, vault: OpenVault) -> Response:
    try:
        return _show(token, await conversations.find(pool, vault, token))
    except Problem as problem:
        return _told(problem)


@router.post("/konfirmasi/{token}")
async def say(request: Request, token: str, pool: OpenPool, vault: OpenVault) -> Response:
    try:
        _refuse_other_sites(request)
        found = await conversations.find(pool, vault, token)
        form = await _form(request)
        code = None if form.get("jawaban") == "salah" else "".join(form.get("kode", "").split())
        if code is not None and not (len(code) == 6 and code.isascii() and code.isdigit()):
            return _show(token, found, 422, "Kode terdiri atas enam angka, seperti pada pesan.")
        answer = await conversations.say(request, found, code, _key(request, form.get("kunci"), code))
    except Problem as problem:
        return _told(problem)
    if answer.body["state"] == State.WAITING:
        wrong = wrong_code(answer)
        after = await conversations.find(pool, vault, token)
        return _show(token, after, 422, f"{wrong.detail} {wrong.cure}")
    return RedirectResponse(f"/konfirmasi/{quote(token, safe='')}", 303, _HEADERS)


def _show(token: str, found: Conversation, status: int = 200, problem: str | None = None) -> Response:
    one = found.attestation
    now_is = rules.standing(one, utc_now())
    return _page(
        "konfirmasi.html",
        status,
        address=f"/konfirmasi/{quote(token, safe='')}",
        one=one,
        office=found.office,
        when=days.when(one.day, one.start),
        how_long=wording.how_long(one.contact_minutes),
        about=wording.about(one),
        until=days.instant(one.expires_at),
        can_attest=now_is in rules.POSSIBLE[Deed.ENTER_CODE],
        can_dispute=now_is in rules.POSSIBLE[Deed.DISPUTE],
        thanked=now_is in (Standing.ATTESTED, Standing.DISPUTED),
        refusal=rules.refusal(now_is),
        problem=problem,
        key=new_id(),
    )


def _told(problem: Problem) -> Response:
    return _page("pesan.html", problem.status, problem.headers, problem=problem)


def _page(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: object) -> Response:
    html = _pages.get_template(template).render(**values)
    return HTMLResponse(html, status, {**_HEADERS, **(headers or {})})


def _refuse_other_sites(request: Request) -> None:
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Problem(
            403,
            "cross-site",
            "Dikirim dari situs lain",
            "Jawaban ini tidak dikirim dari halaman konfirmasi.",
            cure="Buka lagi alamat pada pesan, lalu jawab di sana.",
        )


def _key(request: Request, drawn: str | None, code: str | None) -> str | None:
    """One key for each code typed into one drawn form: whoever goes back and types another code says something new."""
    if drawn is None:
        return None
    return hmac.digest(request.app.state.secret_key, f"{drawn}\n{code}".encode(), hashlib.sha256).hex()


async def _form(request: Request) -> dict[str, str]:
    """The fields of the form, each once; what is no such form is an empty one."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(text, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0][:128] for name, values in fields.items()}
