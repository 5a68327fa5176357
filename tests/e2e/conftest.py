"""One installation for all end-to-end tests: started as an operator would, stopped at the end."""

from collections.abc import Iterator

import pytest

from tests.e2e.machine import Machine
from tests.e2e.writers import open_offices


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    installed = Machine(tmp_path_factory.mktemp("plut-e2e"))
    try:
        installed.up()
        open_offices(installed)
        yield installed
    finally:
        installed.down()
