"""Log lines as machines read them: whole, whoever else writes to the same stream."""

import subprocess
import sys

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
