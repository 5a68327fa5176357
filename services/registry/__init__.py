"""The registry: offices, businesses and who owns them. The only service that knows an identity."""
