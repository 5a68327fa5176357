"""What a measurement was made on."""

import os
import platform

import psutil

_GIB = 1024**3


def described() -> str:
    """Returns the machine in a few words, none of which tells whose it is: 2 cores, 24 GiB, Linux."""
    cores, memory = os.cpu_count() or 1, psutil.virtual_memory().total / _GIB
    return f"{cores} cores, {memory:.0f} GiB, {platform.system()}"
