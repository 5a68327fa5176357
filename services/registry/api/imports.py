"""Imports of sheets of businesses over HTTP."""

from shared.auth.policy import Action
from shared.imports.routes import import_routes

router = import_routes(Action.IMPORT_BUSINESSES)
