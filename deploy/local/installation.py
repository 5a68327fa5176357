"""One installation on this machine: its data directory, addresses, secrets, and what runs of it."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, overload

from deploy.local import brokers, browser_files, containers, ports, scale, secrets, state, table
from deploy.local.brokers import Brokers
from deploy.local.containers import Described
from deploy.local.issuer.vault import WEB_CLIENT, Vault
from deploy.local.kafka import Kafka
from deploy.local.leftovers import MARK
from deploy.local.postgres import DATABASE, Postgres
from deploy.local.process import Identity
from deploy.local.protection import GATE, OPERATOR, Protection
from deploy.local.state import ProcessState, State
from deploy.local.table import Program
from shared.postgres import role_name
from shared.settings import Environment, KafkaSecurity, PostgresTls, Settings

DEFAULT_DIRECTORY = ".plut"
# Where the overview is sent back to after a login: the only address that the issuer accepts.
LOGIN_RETURNS_TO = "/masuk/selesai"
SettingsT = TypeVar("SettingsT", bound=Settings)


class NotRunningError(Exception):
    """Something was asked for that only a running installation has."""


class CannotBeSecuredError(Exception):
    """An installation was begun in the clear: its broker would not know any user."""


class Installation:
    """Everything below `directory`; nothing is made until it is started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.logs = directory / "logs"
        self.run = directory / "run"
        self.writers_dir = directory / "writers"
        self._secrets = directory / "secrets"

    @classmethod
    def open(cls, data_dir: Path | None = None) -> Self:
        """Returns the installation in `data_dir`, else in $PLUT_DATA_DIR, else in ./.plut; it need not exist yet."""
        return cls((data_dir or Path(os.environ.get("PLUT_DATA_DIR") or DEFAULT_DIRECTORY)).expanduser().absolute())

    # What runs

    @property
    def state(self) -> State | None:
        """What the supervisor last wrote, whether it still runs or not; in containers, what Docker says."""
        if described := self.described:
            addresses = {"postgres": self.postgres_address, "kafka": self.kafka_bootstrap}
            return containers.state_of(described.project, addresses)
        return State.load(self.state_file)

    @property
    def described(self) -> Described | None:
        """How it runs in containers; None if it does not."""
        return Described.load(self.description_file)

    @property
    def description_file(self) -> Path:
        return self.directory / "containers.json"

    @property
    def is_running(self) -> bool:
        """Tells whether a supervisor runs; its processes need not be healthy."""
        supervisor = self.supervisor
        return supervisor is not None and supervisor.is_alive

    @property
    def supervisor(self) -> Identity | None:
        """The last one, alive or not; also while its state is not written yet, or cannot be read."""
        holder = None if self.described else Identity.load(self.lock_file)
        if holder is None and (found := self.state):
            return found.supervisor
        return holder

    @property
    def lock_file(self) -> Path:
        """What a running supervisor holds, with its identity in it."""
        return self.run / "supervisor.lock"

    @property
    def state_file(self) -> Path:
        return self.run / "state.json"

    def processes(self) -> list[ProcessState]:
        """Returns the services' processes as last written; none if it was never started."""
        found = self.state
        return found.processes if found else []

    def programs(self) -> tuple[Program, ...]:
        """Returns what is to run here, with as many of each consumer as were asked for."""
        return table.programs(scale.load(self.scale_file))

    @property
    def scale_file(self) -> Path:
        return self.directory / "scale.json"

    def hold(self, name: str) -> None:
        """Has the supervisor stop one process (`registry-api`, `kafka`, …) and leave it stopped until `release`."""
        self.held_file(name).parent.mkdir(parents=True, exist_ok=True)
        self.held_file(name).touch()

    def release(self, name: str) -> None:
        """Has the supervisor run a held process again."""
        self.held_file(name).unlink(missing_ok=True)

    def release_all(self) -> None:
        """Forgets what was held before: a start starts everything."""
        for held in self.held_file("any").parent.glob("*"):
            held.unlink(missing_ok=True)

    def holds(self, name: str) -> bool:
        """Tells whether a process was stopped on purpose, by `hold`."""
        return self.held_file(name).exists()

    def held_file(self, name: str) -> Path:
        return self.run / "held" / name

    @property
    def conditions_file(self) -> Path:
        """What single processes are tried under (`deploy.local.conditions`); ordinarily there is no such file."""
        return self.directory / "conditions.json"

    # Connections

    @property
    def protection(self) -> Protection:
        return Protection(self._secrets / "tls")

    @property
    def is_secure(self) -> bool:
        """Tells whether Postgres and Kafka are reached by TLS, and Kafka with users and rights."""
        return self.protection.exists

    def secure(self) -> None:
        """Has it be secure from its first start on; does nothing if it is. Raises CannotBeSecuredError."""
        if not self.is_secure and (self.directory / "kafka").exists():
            raise CannotBeSecuredError(f"the installation in {self.directory} was begun without --secure")
        self.protection.make()

    # Addresses

    @property
    def ports(self) -> dict[str, int]:
        return ports.load(self.ports_file)

    @property
    def ports_file(self) -> Path:
        return self.directory / "ports.json"

    def url(self, service: str) -> str:
        """Returns the address of a service's api, or of the `issuer`. Raises NotRunningError before the first start."""
        role = "issuer" if service == "issuer" else "api"
        return f"http://127.0.0.1:{self._port(state.process_name(service, role))}"

    @property
    def issuer(self) -> str:
        """How the issuer calls itself in its tokens: the address under which browsers and services reach it."""
        return self.described.issuer if self.described else self.url("issuer")

    @property
    def kafka_bootstrap(self) -> str:
        """Where clients look for the brokers; comma-separated."""
        kept = self.brokers
        ports = {name: self._port(name) for name in kept.names}
        return ",".join(f"127.0.0.1:{kept.client_port(name, ports)}" for name in kept.names)

    @property
    def postgres_address(self) -> str:
        """Returns where the services reach Postgres: in a secure installation the gate before it."""
        return f"127.0.0.1:{self._port('postgres-tls' if self.is_secure else 'postgres')}"

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.directory / "postgres", self._port("postgres"))

    @property
    def brokers(self) -> Brokers:
        """How many brokers run here; one, unless others were asked for before the first start."""
        return brokers.load(self.brokers_file)

    @property
    def brokers_file(self) -> Path:
        return self.directory / "brokers.json"

    @property
    def server_names(self) -> tuple[str, ...]:
        return ("postgres", *([GATE] if self.is_secure else []), *self.brokers.names)

    def broker(self, name: str = "kafka") -> Kafka:
        """Returns one broker. Raises NotRunningError before the first start."""
        kept = self.brokers
        ports = {each: self._port(each) for each in kept.port_names}
        return kept.broker(name, self.directory, ports, self.protection if self.is_secure else None)

    async def kafka_answers(self) -> bool:
        """Tells whether one of the brokers answers within 2 seconds."""
        return any(await asyncio.gather(*(self.broker(name).answers() for name in self.brokers.names)))

    def _port(self, name: str) -> int:
        try:
            return self.ports[name]
        except KeyError:
            raise NotRunningError(f"nothing was ever started in {self.directory}. Run `plut up` first.") from None

    # Secrets and settings

    @property
    def secrets_home(self) -> Path:
        """Everything that is secret here: passwords, keys of personal data, the issuer's own."""
        return self._secrets

    def superuser_password(self) -> str:
        return secrets.keep(self.secrets_of("postgres") / "superuser")

    def secrets_of(self, name: str) -> Path:
        """Returns where the secrets of a server or a database role lie."""
        return self._secrets / name

    def superuser_dsn(self, database: str = DATABASE) -> str:
        """Returns the address of a database for Postgres's superuser."""
        return self.postgres.dsn(self.superuser_password(), database)

    def secrets_dir(self, service: str, role: str) -> Path:
        """Returns the directory of what processes of this service and role alone may read; makes it if need be."""
        if service in ("issuer", "watch"):
            return secrets.private_directory(self.secrets_of(service))
        directory = self.secrets_of(role_name(service, table.database_role(role)))
        secrets.keep(directory / "plut_postgres_password")
        if table.database_role(role) == "app":
            secrets.keep(directory / "plut_idempotency_key", length=48)
        return directory

    @property
    def demo_password(self) -> str:
        """The password of every demo login."""
        return Vault(self.secrets_dir("issuer", "issuer")).demo_password

    @property
    def keys_dir(self) -> Path:
        """Where the keys of personal data lie; without them nobody can read it again."""
        return self.secrets_dir("registry", "api") / "keys"

    def password(self, service: str, role: str) -> str:
        """Returns the database password of a service's role."""
        return secrets.keep(self.secrets_dir(service, role) / "plut_postgres_password")

    @overload
    def settings(self, service: str, role: str) -> Settings: ...

    @overload
    def settings(self, service: str, role: str, kind: type[SettingsT], **more: Any) -> SettingsT: ...  # noqa: ANN401

    def settings(self, service: str, role: str, kind: type[Settings] = Settings, **more: Any) -> Settings:
        """Returns the settings that a process of this service and role gets; for tools that act for it.

        Raises NotRunningError before the first start.
        """
        host, port = self.postgres_address.split(":")
        own: dict[str, Any] = {
            "env": Environment.LOCAL,
            "postgres_host": host,
            "postgres_port": int(port),
            "postgres_database": DATABASE,
            "postgres_password": self.password(service, role),
            "kafka_bootstrap": self.kafka_bootstrap,
            "kafka_replication": self.brokers.number,
            "issuer_url": self.issuer,
            **(self._secure_settings(OPERATOR) if self.is_secure else {}),
        }
        if self.is_secure:
            own["kafka_password"] = self.protection.password(OPERATOR)
        return kind(**{**own, **more})

    def _secure_settings(self, kafka_user: str) -> dict[str, Any]:
        return {
            "postgres_sslmode": PostgresTls.VERIFY_FULL,
            "postgres_ca_file": self.protection.ca_file,
            "kafka_security_protocol": KafkaSecurity.SASL_SSL,
            "kafka_user": kafka_user,
            "kafka_ca_file": self.protection.ca_file,
        }

    def environment(self, program: Program) -> Mapping[str, str]:
        """Returns what one process is told: addresses by variables, secrets by files."""
        host, port = self.postgres_address.split(":")
        assets = browser_files.find()
        return {
            MARK: str(self.directory),
            "PLUT_ENV": Environment.LOCAL.value,
            "PLUT_LOG_FORMAT": "json",
            "PLUT_SECRETS_DIR": str(self.secrets_dir(program.service, program.role)),
            "PLUT_POSTGRES_HOST": host,
            "PLUT_POSTGRES_PORT": port,
            "PLUT_POSTGRES_DATABASE": DATABASE,
            "PLUT_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "PLUT_KAFKA_REPLICATION": str(self.brokers.number),
            "PLUT_HTTP_HOST": "127.0.0.1",
            "PLUT_HTTP_PORT": str(self.ports.get(program.name, 0)),
            "PLUT_ISSUER_URL": self.issuer,
            **({"PLUT_WEB_ASSETS": str(assets)} if assets else {}),
            **self._own_directories(program),
            **(self._secure_environment(program) if self.is_secure else {}),
        }

    def _secure_environment(self, program: Program) -> Mapping[str, str]:
        """An api is told nothing of Kafka; what uses Kafka has a user, and so a directory of secrets, of its own."""
        user = state.process_name(program.service, program.role)
        told = {f"PLUT_{name.upper()}": str(value) for name, value in self._secure_settings(user).items()}
        if not program.needs_kafka:
            return {name: value for name, value in told.items() if not name.startswith("PLUT_KAFKA_")}
        directory = self._secrets / user
        if program.role in table.DATABASE_ROLE:
            secrets.keep(directory / "plut_postgres_password", value=self.password(program.service, program.role))
        secrets.keep(directory / "plut_kafka_password", value=self.protection.password(user))
        return {**told, "PLUT_SECRETS_DIR": str(directory)}

    def _own_directories(self, program: Program) -> Mapping[str, str]:
        directory = self.secrets_dir(program.service, program.role)
        kind = (program.service, program.role)
        if kind == ("registry", "api"):
            return {"PLUT_KEYS_DIR": str(self.keys_dir)}
        if kind == ("registry", "consume"):
            return {"PLUT_KEYS_DIR": str(self.keys_dir), "PLUT_CONFIRMATION_URL": self.url("registry")}
        if program.service == "watch":
            data = [self.postgres.directory, *(self.broker(name).directory for name in self.brokers.names)]
            return {"PLUT_WATCHED_DIRECTORIES": ":".join(map(str, data))}
        if program.service == "issuer":
            return {"PLUT_REDIRECT_URIS": f"{self.url('reporting')}{LOGIN_RETURNS_TO}"}
        if kind == ("reporting", "api"):
            self._share_web_client_secret(directory)
        return {}

    def _share_web_client_secret(self, directory: Path) -> None:
        """The overview logs people in as the issuer's client `plut-web`; both must know its secret."""
        secret = Vault(self.secrets_dir("issuer", "issuer")).client_secret(WEB_CLIENT)
        secrets.keep(directory / "plut_web_client_secret", value=secret)
