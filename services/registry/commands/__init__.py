"""The registry's use cases, one function each: a transaction that locks, decides, saves and tells.

Callable without HTTP: a pool of `registry_app`, a Vault over the key directory, a commands.Request and a form are
enough; the scope is the request's principal. `request.now` dates everything. Answers hold ids and no identity.

Locks, in this order always: the idempotency key; the shared keys (NIKs, NIBs, …, trade names) by ascending lock
number; the business's row. Nobody who holds a later one waits for an earlier one, so commands queue and never deadlock.
"""
