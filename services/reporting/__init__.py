"""Reporting: what the province sees. Read models fed by events, an API and a page that say how fresh they are."""
