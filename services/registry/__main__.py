"""`python -m services.registry api|relay|consume|migrate`."""

from services.registry import app
from services.registry.settings import SERVICE, RegistrySettings
from shared import process

ROLES = {"api": app.serve_api, "relay": app.relay, "consume": app.consume, "migrate": app.migrate}

if __name__ == "__main__":
    process.start(SERVICE, RegistrySettings, ROLES)
