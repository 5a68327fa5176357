"""`plut chaos`: real processes under load, broken on purpose, and then judged."""
