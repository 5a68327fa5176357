"""What every infrastructure offers to the tests."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Kind(StrEnum):
    EMBEDDED = "embedded"
    CONTAINERS = "containers"

    @classmethod
    def chosen(cls) -> "Kind":
        """Returns what PLUT_TEST_INFRASTRUCTURE says; embedded unless it is set."""
        return cls(os.environ.get("PLUT_TEST_INFRASTRUCTURE", cls.EMBEDDED))


@dataclass(frozen=True)
class PostgresServer:
    """A running cluster that belongs to this test run."""

    host: str
    port: int
    password: str

    def superuser_dsn(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{self.password}@{self.host}:{self.port}/{database}"


@dataclass(frozen=True)
class KafkaServer:
    """A running broker that belongs to this test run."""

    bootstrap: str


class Infrastructure(Protocol):
    """Starts each server when it is asked for first; stops what it started."""

    async def postgres(self) -> PostgresServer: ...

    async def kafka(self) -> KafkaServer: ...

    async def stop(self) -> None: ...


def create(kind: Kind, directory: Path) -> Infrastructure:
    """Returns the infrastructure of that kind; it keeps its files in `directory`."""
    if kind is Kind.CONTAINERS:
        from tests.infrastructure.containers import Containers

        return Containers()
    from tests.infrastructure.embedded import Embedded

    return Embedded(directory)
