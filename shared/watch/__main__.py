"""`python -m shared.watch`: runs the watch until SIGTERM. Needs Kafka alone: no database, no secret but Kafka's own."""

from shared import log
from shared.http.probes import create_probe_app
from shared.http.serve import run, serve
from shared.settings import load
from shared.watch.loop import WatchLoop
from shared.watch.settings import WatchSettings


def main() -> None:
    settings = load(WatchSettings)
    log.configure(settings, "watch", "watch")
    loop = WatchLoop(settings)
    run(serve(create_probe_app("watch", "watch", live=loop.live, ready=loop.ready), settings, [loop]))


if __name__ == "__main__":
    main()
