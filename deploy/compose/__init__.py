"""An installation in containers: what docker-compose.yml runs beside the services."""
