"""Log lines go to the error stream as it is now."""

import io
import sys

import pytest
import structlog

from portal.observe import configure_logging, log


def test_log_goes_on_where_its_stream_was_replaced_and_closed(monkeypatch: pytest.MonkeyPatch):
    try:
        with monkeypatch.context() as patch, io.StringIO() as first:
            patch.setattr(sys, "stderr", first)
            configure_logging(json_lines=True)
            log.warning("one.line")
            assert "one.line" in first.getvalue()
        with monkeypatch.context() as patch, io.StringIO() as second:
            patch.setattr(sys, "stderr", second)
            log.warning("another.line")
            assert "another.line" in second.getvalue()
    finally:
        structlog.reset_defaults()
