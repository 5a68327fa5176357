"""`python -m services.mentoring api|relay|consume|migrate`."""

from services.mentoring import app
from services.mentoring.settings import SERVICE
from shared import process
from shared.settings import Settings

ROLES = {"api": app.serve_api, "relay": app.relay, "consume": app.consume, "migrate": app.migrate}

if __name__ == "__main__":
    process.start(SERVICE, Settings, ROLES)
