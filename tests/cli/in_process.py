"""The `portal` command inside this process: quick, with settings of its own."""

from dataclasses import dataclass

import pytest

from portal.cli.main import main
from tests.cli.running_portal import clean_environ


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


class InProcess:
    """Runs commands in a folder: `portal("doctor", "--json", PORTAL_ENV="x")`."""

    def __init__(self, folder, monkeypatch, capsys):
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, **environ: str) -> Ended:
        with self._monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr("os.environ", clean_environ(**environ))
            self._capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main(list(arguments))
        out, err = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, out, err)
