"""One installation for all end-to-end tests: started as an operator would, stopped at the end.

PLUT_TEST_INSTALLATION=compose makes it one in containers.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.compose import ComposeMachine
from tests.e2e.machine import IN_CONTAINERS, Machine
from tests.e2e.writers import open_offices

# They try what only containers have: `make test-compose` runs them.
collect_ignore = [] if IN_CONTAINERS else ["test_containers.py"]


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    directory = tmp_path_factory.mktemp("plut-e2e")
    installed = ComposeMachine(directory) if IN_CONTAINERS else Machine(directory)
    try:
        installed.up()
        open_offices(installed)
        yield installed
    finally:
        installed.remove()
