"""The browser's files: npm packages, installed beside the code and served by us: no page needs a connection."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("htmx.org", "@picocss/pico", "swagger-ui-dist", "@asyncapi/react-component")


def find() -> Path | None:
    """Returns the directory of the installed packages; None if they are not installed."""
    directory = ROOT / "node_modules"
    return directory if not missing(directory) else None


def missing(directory: Path = ROOT / "node_modules") -> list[str]:
    """Returns the packages that are not there."""
    return [name for name in PACKAGES if not (directory / name / "package.json").is_file()]
