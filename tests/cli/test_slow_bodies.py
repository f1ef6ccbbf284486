"""Which connections a worker lets go: those that are owed no answer may be silent, others not."""

import pytest

from portal.cli.open_sockets import Traffic
from portal.cli.slow_bodies import is_at_rest

LONGEST = 20.0


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Traffic(silent_for=6.0, unanswered_for=5.9, has_answered=True), True),
        (Traffic(silent_for=5.9, unanswered_for=6.0, has_answered=True), False),
        (Traffic(silent_for=5.9, unanswered_for=6.0, has_answered=False), False),
    ],
    ids=["answered", "half of the next form", "half of the first form"],
)
def test_connection_is_at_rest_once_its_last_request_was_answered(seen, expected):
    assert is_at_rest(seen, LONGEST) is expected


def test_half_a_form_that_came_with_its_connection_is_owed_an_answer():
    """Both within one tick of the clock: two hundred of these once held every thread for ever."""
    seen = Traffic(silent_for=6.0, unanswered_for=6.0, has_answered=False)
    assert not is_at_rest(seen, LONGEST)


@pytest.mark.parametrize(("seconds", "expected"), [(19.0, True), (21.0, False)])
def test_half_a_form_within_the_tick_of_an_answer_is_let_go_in_the_end(seconds, expected):
    seen = Traffic(silent_for=seconds, unanswered_for=seconds, has_answered=True)
    assert is_at_rest(seen, LONGEST) is expected
