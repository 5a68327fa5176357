"""A sheet that is mostly refused sets an alarm off: an office should be called before it types on."""

from tests.integration.registry.sheets import LABELS, ImportsDesk, counted, csv_of, line
from tests.support.alarms import fires, nothing_told, told_here


async def test_a_sheet_that_is_mostly_refused_sets_an_alarm_off(imports: ImportsDesk) -> None:
    nothing_told()
    imports.worker()
    before = told_here()
    told = await imports.imported(csv_of([line(nik="357602") for _ in range(12)], LABELS))
    assert counted(told)["rejected"] > 10
    fires("ImportRowsRejected", before, told_here(), goes_on=True)
