"""What each figure means: one card per indicator, told with the figure wherever it is shown or exported."""

from collections.abc import Mapping

from services.reporting.indicators import activity, businesses, consultants, served
from services.reporting.indicators.card import Amount, Indicator, Measure

__all__ = ["INDICATORS", "Amount", "Indicator", "Measure", "of_amount"]

INDICATORS: Mapping[str, Indicator] = {
    one.code: one for one in (*activity.CARDS, *served.CARDS, *businesses.CARDS, *consultants.CARDS)
}
_OF_AMOUNT = {amount: one for one in INDICATORS.values() for amount in one.reads}


def of_amount(total: str, amount: str) -> Indicator:
    """Returns the card of an amount of a total."""
    return _OF_AMOUNT[Amount(total, amount)]
