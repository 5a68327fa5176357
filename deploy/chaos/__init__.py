"""`plut chaos`: real processes under load, broken on purpose, and then judged.

One course of a scenario (`course.py`), always the same: a load of offices and listeners runs (`load/`), the scenario
breaks things (`Scenario.strike`), everything is healed, the load ends, every request without an answer is sent again
with its key, all is waited for until it is quiet, and a judge that shares no code with the services' write path
compares (`judge.py`). A fault that did not bite is a failure of the scenario, not a success of the product.

Adding a scenario:

1. A class in a module of `deploy/chaos/scenarios/`, derived from `Scenario`: `name`, `faults` (its place in the matrix,
   such as "F2"), `title`, and `bites`, what must have been seen at least for the run to count: `{"kills": 2}`.
   Every concrete class found there is a scenario; nothing else has to be listed.
2. `async def strike(self, stage)` breaks things with the verbs of `Stage` (`kill`, `arm`, `hold`, `signal`, `until`,
   `writes_go_on`, `rest`, `dice`) and counts what was really seen: `stage.saw("kills")`. It raises `Failed` (as
   `until` does) where the product does not do what it should. Its length follows `stage.rounds`.
3. Only if it needs them: `heal` (always called, also after a failure; everything armed, held and frozen by the stage is
   released anyway), `judge` (further findings, as sentences), `recovers_within` (seconds), `cannot_run` (why not on
   this machine, else None), `apart` (an installation of its own, not shared with other scenarios) with
   `prepare` (before that one is started: conditions, files) and `clear` (what is not removed with its directory), and
   `lasts_at_most`.

Conditions of single processes (variables such as PLUT_FAILPOINTS or PLUT_KAFKA_BOOTSTRAP, and words before their
command such as `faketime` or `prlimit`) go through `stage.conditions` or, before the start, `deploy.local.conditions`.
"""
