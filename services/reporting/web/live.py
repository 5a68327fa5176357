"""Pages that move by themselves: each one's figures are a part of it, rendered once for all who see the same."""

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from markupsafe import Markup
from starlette.responses import Response

from services.reporting import answers, wording
from services.reporting.answers import Instant, Snapshot
from services.reporting.domain import Position, is_stale
from services.reporting.hints import Broadcaster, Look
from services.reporting.projections import TOTALS
from services.reporting.renderings import Behind, Rendering, Renderings
from services.reporting.web.downloads import Tables, download
from services.reporting.web.pages import Pages, html
from services.reporting.web.visits import PROVINCE_SCOPE
from shared.auth.principal import Principal
from shared.clock import business_day, utc_now
from shared.http.problem import Problem

SEEN = "Position-Seen"


@dataclass(frozen=True)
class Moving:
    """A page: `template` is its part that moves, `view` what that part shows, with `heading` for the page itself.

    `shows` is all that the view depends on besides the figures and who looks.
    """

    template: str
    eyebrow: str
    shows: Hashable
    view: Callable[[Snapshot], Awaitable[Mapping[str, Any]]]
    tables: Tables


class Live:
    """Answers whole pages, and to a page that is open the part of it that moves."""

    def __init__(self, pages: Pages, broadcaster: Broadcaster) -> None:
        self.pages = pages
        self._broadcaster = broadcaster
        self._renderings = Renderings()

    async def answer(self, request: Request, who: Principal, page: Moving) -> Response:
        """Returns the page, or what has become of its figures; nothing if there is none newer than those shown."""
        if "hx-request" in request.headers:
            return await self._part(request, who, page)
        rendering, look = await self._newest(request, who, page)
        text = self.pages.render(
            "moving.html",
            heading=rendering.title,
            eyebrow=page.eyebrow,
            role=wording.role(who),
            scope=_scope(who),
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            part=Markup(self._whole(rendering, look)),  # noqa: S704  rendered by a template that escapes
        )
        return html(text)

    async def download(self, request: Request, who: Principal, page: Moving, wanted: str) -> Response:
        """Returns one of the page's tables as a file."""
        async with answers.snapshot(request.app.state.pool, who, TOTALS) as seen:
            told = await page.view(seen)
        return await download(wanted, page.tables(told), seen.instant, who)

    async def _part(self, request: Request, who: Principal, page: Moving) -> Response:
        look = await self._broadcaster.current()
        try:
            rendering = await self._renderings.get(
                _key(who, page),
                lambda: self._render(request, who, page),
                seen=_seen(request),
                newest=look.position,
            )
        except Behind:
            return Response(status_code=204)
        return html(self._whole(rendering, look))

    async def _newest(self, request: Request, who: Principal, page: Moving) -> tuple[Rendering, Look]:
        """A page that is loaded does not say what was seen before, perhaps at another process: it gets the newest."""
        look = await self._broadcaster.look_again()
        try:
            rendering = await self._renderings.get(
                _key(who, page),
                lambda: self._render(request, who, page),
                seen=look.position,
                newest=look.position,
            )
        except Behind:
            raise _behind() from None
        return rendering, look

    async def _render(self, request: Request, who: Principal, page: Moving) -> Rendering:
        async with answers.snapshot(request.app.state.pool, who, TOTALS) as seen:
            told = await page.view(seen)
        text = self.pages.render(page.template, **told)
        instant = seen.instant
        return Rendering(told["heading"], text, instant.position, instant.as_of, instant.now, time.monotonic())

    def _whole(self, rendering: Rendering, look: Look) -> str:
        instant = _instant(rendering, look)
        stale = is_stale(instant.as_of, instant.now)
        return self.pages.render("freshness.html", instant=instant, stale=stale) + rendering.html


def _instant(told: Rendering, look: Look) -> Instant:
    """As-of moves on while the position stands: what was seen of it later holds for the same position."""
    if look.position == told.position and look.at > told.made_at:
        return Instant(look.position, look.as_of, look.now)
    return Instant(told.position, told.as_of, told.now)


def _key(who: Principal, page: Moving) -> tuple[Hashable, ...]:
    return page.template, page.shows, who.offices, who.sees_province, business_day(utc_now())


def _seen(request: Request) -> Position | None:
    return Position.parse(request.headers.get(SEEN, ""))


def _scope(who: Principal) -> str:
    return PROVINCE_SCOPE if who.sees_province else next(iter(who.offices), PROVINCE_SCOPE)


def _behind() -> Problem:
    return Problem(
        503,
        "unavailable",
        "Layanan sedang tidak tersedia",
        "Basis data laporan sedang dipulihkan.",
        cure="Muat ulang halaman ini sebentar lagi.",
        headers={"Retry-After": "2"},
    )
