"""The edge: FastAPI, problem+json, probes, metrics, and how a process is run and stopped."""
