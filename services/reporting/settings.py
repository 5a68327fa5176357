"""What reporting is called, where its tables are made, and what it is told beyond every process's settings."""

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr

from shared.settings import Settings

SERVICE = "reporting"
TITLE = "PLUT Pelaporan"
HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"


class ReportingSettings(Settings):
    """The api alone logs people in; the consumer and the migrations know nothing of that."""

    web_client_id: str = Field(
        "plut-web", min_length=1, description="client of the pages at the issuer; reporting api only"
    )
    web_client_secret: SecretStr = Field(
        SecretStr(""),
        description="secret of that client, at least 32 characters, equal on every api; reporting api only; a secret",
    )
    public_url: HttpUrl | None = Field(
        None,
        description="address of the pages as browsers see it; the issuer must know `<address>/masuk/selesai`;"
        " unset: the address that the browser asked for (not in production); reporting api only",
    )
    login_minutes: int = Field(
        480, ge=5, le=1440, description="how long a login of the pages lasts; reporting api only"
    )
    idle_days: int = Field(
        14, ge=1, le=366, description="an office without activity for more days is told of; reporting api only"
    )
    unconfirmed_percent: int = Field(
        50,
        ge=1,
        le=100,
        description="an office is told of when so many of its sessions have no answer; reporting api only",
    )
    unconfirmed_least: int = Field(
        10, ge=1, description="but only with at least so many sessions in 90 days; reporting api only"
    )
