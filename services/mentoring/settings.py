"""What mentoring is called, and where its tables are made."""

from pathlib import Path

SERVICE = "mentoring"
TITLE = "PLUT Pendampingan"
REPLICA_GROUP = "mentoring-replica"
MIGRATIONS = Path(__file__).parent / "migrations"
