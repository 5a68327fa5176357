"""`python -m services.registry api|relay|migrate`. There is no `consume`: the registry follows nobody's events."""

from services.registry import app
from services.registry.settings import SERVICE, RegistrySettings
from shared import process

ROLES = {"api": app.serve_api, "relay": app.relay, "migrate": app.migrate}

if __name__ == "__main__":
    process.start(SERVICE, RegistrySettings, ROLES)
