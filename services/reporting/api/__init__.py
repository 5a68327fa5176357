"""Reporting over HTTP, for programs. Every answer says how far it has read and how fresh it is.

Each module's router has the prefix `/v1`; their routes stand side by side in one, for the edge takes them flat.
"""

from fastapi import APIRouter

from services.reporting.api import attention, businesses, consultants, indicators, offices, overview, public, services

router = APIRouter()
for part in (overview, offices, services, consultants, businesses, attention, indicators, public):
    router.routes.extend(part.router.routes)
