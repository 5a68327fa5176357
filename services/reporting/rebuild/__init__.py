"""The next set of read models, built beside the live one, and the switch between the two, forth and back.

The running consumer reads the log for every set; here stages and states are changed. Every step can be interrupted and
is gone on with by the next call; only one rebuilder works at a time.
"""

from services.reporting.rebuild.build import rebuild
from services.reporting.rebuild.lead import AlreadyRebuildingError
from services.reporting.rebuild.progress import Outcome, Progress, Tell
from services.reporting.rebuild.sets import KeptSet, NothingToDoError
from services.reporting.rebuild.switch import abandon, roll_back

__all__ = [
    "AlreadyRebuildingError",
    "KeptSet",
    "NothingToDoError",
    "Outcome",
    "Progress",
    "Tell",
    "abandon",
    "rebuild",
    "roll_back",
]
