"""Backups of Postgres, the system of record: base backups and WAL in a folder, and their way back.

Kafka needs none: the relays send everything again. The keys of personal data lie elsewhere, on purpose (keys.py).
"""
