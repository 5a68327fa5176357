"""What the registry is called, where its tables are made, and what it is told beyond every process's settings."""

from pathlib import Path

from pydantic import Field

from shared.settings import Settings

SERVICE = "registry"
TITLE = "PLUT Registri Usaha"
MIGRATIONS = Path(__file__).parent / "migrations"


class RegistrySettings(Settings):
    """The api alone needs the keys of personal data; the relay and the migrations never see them."""

    keys_dir: Path | None = Field(
        None, description="directory of the keys of personal data, each with mode 0600; registry api only"
    )
