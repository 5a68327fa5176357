"""What the registry is called, where its tables are made, and what it is told beyond every process's settings."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr

from shared.settings import Settings

SERVICE = "registry"
TITLE = "PLUT Registri Usaha"
ATTESTATION_GROUP = "registry-attestations"
MIGRATIONS = Path(__file__).parent / "migrations"
TEMPLATES = Path(__file__).parent / "templates"


class NotifierKind(StrEnum):
    LOG = "log"
    SMTP = "smtp"
    HTTP = "http"


class RegistrySettings(Settings):
    """The api and the consumer need the keys of personal data; the relay and the migrations never see them."""

    keys_dir: Path | None = Field(
        None, description="directory of the keys of personal data, each with mode 0600; registry api and consume only"
    )
    confirmation_url: HttpUrl | None = Field(
        None, description="address of the registry's api as clients reach it, for the link in messages; consume only"
    )
    notifier: NotifierKind = Field(
        NotifierKind.LOG,
        description="how clients are written to: `log` (nothing goes out; not in production), `smtp` or `http`; "
        "consume only",
    )
    smtp_host: str = Field("", description="SMTP server of a mail-to-SMS service; consume only")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port; consume only")
    smtp_tls: bool = Field(default=True, description="whether STARTTLS is asked for; consume only")
    smtp_user: str = Field("", description="login there; consume only")
    smtp_password: SecretStr = Field(SecretStr(""), description="password of that login; consume only; a secret")
    smtp_from: str = Field("", description="sender's mail address; consume only")
    smtp_to: str = Field("", description="mail address of a phone there, such as `{phone}@sms.example`; consume only")
    gateway_url: HttpUrl | None = Field(
        None, description="WhatsApp or SMS gateway that takes `POST {to, text}`; consume only"
    )
    gateway_header: str = Field("Authorization", description="header that carries the gateway's secret; consume only")
    gateway_secret: SecretStr = Field(
        SecretStr(""), description="content of that header, such as `Bearer …`; consume only; a secret"
    )
