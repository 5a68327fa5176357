"""What the watch is told beyond every process's settings."""

from pathlib import Path

from pydantic import Field

from shared.settings import Settings


class WatchSettings(Settings):
    """Disks are watched where no other exporter does it: on one machine, and in compose."""

    watched_directories: str = Field(
        "", description="directories whose disks the watch looks at, separated by colons; watch only"
    )

    @property
    def directories(self) -> tuple[Path, ...]:
        return tuple(Path(each) for each in self.watched_directories.split(":") if each)
