"""HTTP in: bodies are checked for their form here, for their sense in the domain.

Each module's router has the prefix `/v1`; their routes stand side by side in one, for the edge takes them flat.
"""

from fastapi import APIRouter

from services.mentoring.api import consultants, imports, life, sessions

router = APIRouter()
for part in (consultants, sessions, life, imports):
    router.routes.extend(part.router.routes)
