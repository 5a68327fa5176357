"""HTTP in: who asks and for what. Rules stand in the domain, transactions in the commands, SQL in the store."""

from fastapi import APIRouter

from services.registry.api import businesses, offices

router = APIRouter(prefix="/v1")
router.include_router(offices.router)
router.include_router(businesses.router)
