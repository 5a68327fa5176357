"""The life of a session: the whole table, and laws of whatever befalls it in whatever order."""

from itertools import permutations, product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mentoring.domain.attestations import Said, deed_of
from services.mentoring.domain.lifecycle import HELD, OVER, Deed, Standing, State, after, correction
from services.mentoring.domain.sessions import ASKED, CORRECTABLE, NOTES
from shared.contracts.mentoring import SessionBusiness

# Rows: states. Columns: complete, correct, restate, cancel, miss, attest, confirm, dispute, accept. "-": impossible.
_COLUMNS = (
    Deed.COMPLETE,
    Deed.CORRECT,
    Deed.RESTATE,
    Deed.CANCEL,
    Deed.MISS,
    Deed.ATTEST,
    Deed.CONFIRM,
    Deed.DISPUTE,
    Deed.ACCEPT,
)
_TABLE = """
scheduled  completed scheduled -         cancelled no_show -         -         -         -
completed  -         completed completed cancelled -       completed confirmed contested completed
confirmed  -         confirmed completed cancelled -       -         -         contested confirmed
contested  -         contested completed cancelled -       contested -         -         contested
cancelled  -         -         -         -         -       -         -         -         -
no_show    -         -         -         -         -       -         -         -         -
"""
ROWS = {State(row[0]): row[1:] for row in (line.split() for line in _TABLE.split("\n") if line)}


def test_the_table_is_whole() -> None:
    assert set(ROWS) == set(State)
    assert set(_COLUMNS) == set(Deed)


@pytest.mark.parametrize(("state", "deed"), list(product(State, Deed)))
def test_every_deed_in_every_state(state: State, deed: Deed) -> None:
    told = ROWS[state][_COLUMNS.index(deed)]
    assert after(state, deed) == (None if told == "-" else State(told))


@given(
    st.lists(st.tuples(st.sampled_from(Deed), st.booleans()), max_size=30), st.sampled_from(["scheduled", "completed"])
)
def test_any_deeds_leave_a_valid_standing(deeds: list[tuple[Deed, bool]], begun: str) -> None:
    standing, events, edits, questions = Standing(State(begun)), 1, 1, 1
    for deed, told in deeds:
        later = standing.after(deed, told=told)
        if later is None:
            continue
        assert standing.state not in OVER
        events, edits = events + told, edits + 1
        questions += deed is Deed.RESTATE
        assert deed is not Deed.RESTATE or standing.state in HELD
        assert (later.version, later.revision, later.confirmable_version) == (events, edits, questions)
        # Only clients confirm and contest, and only once something was held.
        assert later.state is not State.CONFIRMED or deed is Deed.CONFIRM or standing.state is State.CONFIRMED
        assert later.state is not State.CONTESTED or deed is Deed.DISPUTE or standing.state is State.CONTESTED
        standing = later


@pytest.mark.parametrize("field", CORRECTABLE)
@pytest.mark.parametrize("state", sorted(HELD))
def test_what_asks_the_clients_anew(field: str, state: State) -> None:
    """Day, minutes, place and businesses always (design.md §7); of a contested session all but the notes."""
    anew = field in ASKED or (state is State.CONTESTED and field not in NOTES)
    assert correction(state, [field]) == (Deed.RESTATE if anew else Deed.CORRECT)
    assert correction(state, [field, "day"]) == Deed.RESTATE
    assert correction(State.SCHEDULED, [field, "day"]) == Deed.CORRECT


def business(attested: bool = False) -> SessionBusiness:  # noqa: FBT001, FBT002
    return SessionBusiness(id=uuid4(), known=True, home_office="35.76", attested=attested)


def hear(answers: list[Said], businesses: list[SessionBusiness], standing: Standing) -> tuple[State, frozenset[UUID]]:
    """What the answers make of a session: its state, and who has attested."""
    for said in answers:
        deed = deed_of(said, standing, businesses)
        if deed is None:
            continue
        later = standing.after(deed, told=True)
        assert later is not None
        standing = later
        if deed is not Deed.DISPUTE:
            businesses = [
                each.model_copy(update={"attested": True}) if each.id == said.business else each for each in businesses
            ]
    return standing.state, frozenset(each.id for each in businesses if each.attested)


@given(st.data())
def test_neither_order_nor_repetition_of_answers_matters(data: st.DataObject) -> None:
    session, businesses = uuid4(), [business() for _ in range(data.draw(st.integers(1, 3)))]
    named = [each.id for each in businesses] + [uuid4()]
    answers = data.draw(
        st.lists(
            st.builds(
                Said,
                st.just(session),
                st.sampled_from(named),
                st.integers(1, 3),
                st.sampled_from(["attested", "disputed", "something newer"]),
            ),
            max_size=4,
        )
    )
    standing = Standing(State.COMPLETED, 5, 5, 2)
    expected = hear(answers, businesses, standing)
    for order in permutations(answers):
        assert hear([*order, *order], businesses, standing) == expected
    current = [each for each in answers if each.confirmable_version == 2 and each.business in named[:-1]]
    attested = {each.business for each in current if each.outcome == "attested"}
    disputed = any(each.outcome == "disputed" for each in current)
    all_have = attested == set(named[:-1])
    assert expected[0] == (State.CONTESTED if disputed else State.CONFIRMED if all_have else State.COMPLETED)
    assert expected[1] == attested


@pytest.mark.parametrize("state", [State.SCHEDULED, State.CANCELLED, State.NO_SHOW])
@pytest.mark.parametrize("outcome", ["attested", "disputed"])
def test_what_was_not_held_is_not_attested(state: State, outcome: str) -> None:
    one = business()
    assert deed_of(Said(uuid4(), one.id, 1, outcome), Standing(state), [one]) is None
