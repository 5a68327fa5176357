"""HTTP in: who asks and for what. Rules stand in the domain, transactions in the commands, SQL in the store.

Each module's router has the prefix `/v1`; their routes stand side by side in one, for the edge takes them flat.
"""

from fastapi import APIRouter

from services.registry.api import attestations, audit, businesses, disclosures, finding, imports, moves, offices

router = APIRouter()
for part in (offices, finding, businesses, attestations, moves, disclosures, imports, audit):
    router.routes.extend(part.router.routes)
