"""Log lines as machines read them: whole, whoever else writes to the same stream."""

import io
import json
import subprocess
import sys
import threading

import pytest
import structlog

from portal.observe import begin_request, configure_logging, log

WRITER = """
from portal.observe import configure_logging, log
configure_logging(json_lines=True)
for number in range(400):
    log.info("something.happened", number=number, more="x" * 200)
"""


def test_lines_of_several_workers_stay_whole(tmp_path):
    file = tmp_path / "log"
    with file.open("ab") as stream:
        unbuffered = [sys.executable, "-u", "-c", WRITER]  # as in the image
        writers = [subprocess.Popen(unbuffered, stderr=stream) for _ in range(4)]
        assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    lines = file.read_text().splitlines()
    assert len(lines) == 4 * 400
    assert all(line.startswith("{") and line.endswith("}") for line in lines)
    assert not any("}{" in line for line in lines)


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


def test_line_bears_the_request_that_it_is_about(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch, io.StringIO() as stream:
        patch.setattr(sys, "stderr", stream)
        try:
            configure_logging(json_lines=True)
            first = begin_request()
            log.warning("one")
            second = begin_request()
            log.warning("two")
            log.warning("three", request="another")
            elsewhere = threading.Thread(target=log.warning, args=("four",))
            elsewhere.start()
            elsewhere.join()
        finally:
            structlog.reset_defaults()
        lines = [json.loads(line).get("request") for line in stream.getvalue().splitlines()]
    assert lines == [first, second, "another", None]
