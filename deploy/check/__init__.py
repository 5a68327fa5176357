"""The proof on the running system: what was acknowledged is stored, and what is stored is shown, once.

It imports nothing of the write path: facts and totals are recomputed from the outbox history with code of its own.
"""
