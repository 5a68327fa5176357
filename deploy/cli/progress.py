"""What long commands show while they work."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import TaskID


class Shown:
    """A bar with the time that remains on a terminal, a line per step elsewhere, nothing for programs.

    `steps`: what each step is called; one that has no name is not shown. `sizes`: bytes are counted, not things.
    """

    def __init__(self, steps: Mapping[str, str], *, quiet: bool, sizes: bool = False) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._steps = steps
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._moving = self._console.is_terminal and not quiet
        counted = DownloadColumn() if sizes else MofNCompleteColumn()
        columns = (TextColumn("{task.description}"), BarColumn(), counted, TimeRemainingColumn())
        self._bars: Progress = Progress(*columns, console=self._console, disable=not self._moving)
        self._step = ""
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bars.stop()

    def tell(self, step: str, done: int, whole: int) -> None:
        """Shows how far a step is; `whole` is 0 where that is not known."""
        if step not in self._steps:
            return
        if step != self._step:
            self._step = step
            self._begin(self._steps[step])
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=whole or None)

    def _begin(self, description: str) -> None:
        if not self._moving:
            self._console.print(description)
            return
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(description, total=None)
