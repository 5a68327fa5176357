"""Templates, and how a page is answered."""

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from services.reporting import wording
from services.reporting.assets import Assets
from services.reporting.settings import TEMPLATES
from shared import days

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
)
_WRITTEN = (
    wording.number,
    wording.decimal,
    wording.percent,
    wording.hours,
    wording.clock,
    wording.wib_day,
    days.day,
    days.month,
)


class Pages:
    """Templates with what all of them need."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["asset"] = assets.path
        for written in _WRITTEN:
            self._environment.filters[written.__name__] = written

    def render(self, template: str, **values: object) -> str:
        """Returns a template filled in."""
        return self._environment.get_template(template).render(**values)

    def answer(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """Returns a page; it is nobody's to keep, for it may hold the figures of one office."""
        return html(self.render(template, **values), status)


def html(text: str, status: int = 200) -> HTMLResponse:
    """Returns what was rendered, bound by the policy of all pages."""
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})
