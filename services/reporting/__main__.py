"""`python -m services.reporting api|consume|migrate`. There is no `relay`: reporting tells nobody anything."""

from services.reporting import app
from services.reporting.settings import SERVICE, ReportingSettings
from shared import process

ROLES = {"api": app.serve_api, "consume": app.consume, "migrate": app.migrate}

if __name__ == "__main__":
    process.start(SERVICE, ReportingSettings, ROLES)
