"""What is told of something that goes down and comes back, as a table."""

from datetime import timedelta

import pytest

from portal.core.outage import News, Told, news
from tests.builders import NOW

LATELY, LONG_AGO = NOW - timedelta(minutes=59), NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("told", "is_down", "expected"),
    [
        (Told(), False, None),
        (Told(), True, News.DOWN),
        (Told(True, LATELY), True, None),
        (Told(True, LATELY), False, News.BACK),
        (Told(False, LATELY, LATELY), True, None),  # again within the hour: it can wait
        (Told(False, LONG_AGO, LATELY), True, News.DOWN),
        (Told(True, LATELY, LATELY), False, None),
        (Told(True, LATELY, LONG_AGO), False, News.BACK),
        (Told(False, LONG_AGO, LONG_AGO), False, None),
    ],
)
def test_news_is_what_differs_from_the_last_word_once_an_hour(told, is_down, expected):
    assert news(told, is_down=is_down, now=NOW) is expected
