"""The command line as a whole: help, usage, exit statuses, completion."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import click
import pytest

from portal.cli.main import COMMANDS, SUMMARIES, TERMINATED, cli, main
from tests.cli.running_portal import COMMAND, clean_environ, run_portal
from tests.databases import missing
from tests.oidc.servers import Server


def every_command():
    """Give the words of each command and subcommand."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        yield (name,)
        if isinstance(command, click.Group):
            yield from ((name, sub) for sub in command.commands)


ALL = sorted(every_command())


def test_the_commands_are_those_of_the_contract():
    assert set(ALL) >= {
        ("demo",),
        ("serve",),
        ("db", "upgrade"),
        ("db", "current"),
        ("seed", "validate"),
        ("seed", "plan"),
        ("seed", "apply"),
        ("seed", "export"),
        ("seed", "schema"),
        ("explain",),
        ("keys", "new"),
        ("doctor",),
    }


def test_help_comes_before_the_stack_is_loaded():
    subprocess.run([COMMAND, "--help"], check=True, capture_output=True)  # compiled by now
    took = []
    for _ in range(5):
        before = os.times().children_user
        subprocess.run([COMMAND, "--help"], check=True, capture_output=True, env=clean_environ())
        took.append(os.times().children_user - before)
    assert min(took) < 0.3


def test_help_tells_examples_completion_and_exit_statuses(portal):
    shown = portal("--help")
    assert shown.status == 0
    for word in [
        *SUMMARIES.values(),
        "portal demo",
        "_PORTAL_COMPLETE=zsh_source",
        "2 wrong usage",
    ]:
        assert word in shown.out


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help(portal, words):
    shown = portal(*words, "--help")
    assert shown.status == 0
    assert shown.out.startswith(f"Usage: portal {' '.join(words)}")
    assert "\\b" not in shown.out


BY_EXAMPLE = [words for words in ALL if words[0] in {"serve", "db", "explain", "keys", "doctor"}]


@pytest.mark.parametrize("words", BY_EXAMPLE, ids=" ".join)
def test_help_shows_how_a_command_is_called(portal, words):
    _, _, shown = portal(*words, "--help").out.partition("Examples:\n")
    assert f"portal {' '.join(words)}" in shown


def test_the_summaries_are_those_of_the_commands():
    assert list(SUMMARIES) == list(COMMANDS)


def test_the_version_is_told(portal):
    assert re.fullmatch(r"portal, version \d+\.\d+\.\d+\n", portal("--version").out)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sevre"], "'serve'"),
        (["doktor"], "Did you mean 'doctor'?"),
        (["db", "upgrad"], "Did you mean 'upgrade'?"),
        (["serve", "--prot", "1"], "'--port'"),
        (["serve", "--port", "99999"], "not in the range"),
        (["explain"], "EMAIL"),
        (["explain", "a@b.example", "--seeds", "nowhere"], "does not exist"),
        ([], "Commands:"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_in_2_with_a_hint(portal, words, hint):
    ended = portal(*words)
    assert ended.status == 2
    assert hint in ended.err
    assert ended.out == ""


def test_completion_knows_commands_and_options(tmp_path):
    def complete(line):
        result = run_portal(
            tmp_path,
            _PORTAL_COMPLETE="bash_complete",
            COMP_WORDS=line,
            COMP_CWORD=str(line.count(" ")),
        )
        assert result.stderr == ""
        return result.stdout.split()

    assert complete("portal d") == ["plain,demo", "plain,db", "plain,doctor"]
    assert "plain,--workers" in complete("portal serve --w")


def test_what_an_operator_can_mend_is_a_line_and_1(portal):
    ended = portal("db", "current", PORTAL_NOPE="x", PORTAL_ENV="y")
    assert ended.status == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("portal: PORTAL_NOPE")
    assert "; PORTAL_ENV " in line


def test_a_bug_shows_its_traceback(monkeypatch):
    def broken(*_arguments, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])


# Whatever started the tests may ignore it, and children inherit that.
_HEARS_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_ctrl_c_ends_in_130_at_once_without_a_traceback(tmp_path, registry):
    asked = threading.Event()

    def silent(server, peer):
        peer.request()
        asked.set()
        server.closing.wait(30)

    provider = Server(silent)
    environ = clean_environ(
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
        SSOJET_ISSUER_URL=provider.url,
        SSOJET_CLIENT_ID="portal",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", _HEARS_CTRL_C, COMMAND, "doctor"],
        env=environ,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert asked.wait(30)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    provider.close()
    assert time.monotonic() - began < 4
    assert process.returncode == 130
    assert said.strip() == "Stopped."


def test_a_reader_that_goes_away_gets_no_traceback(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [COMMAND, "seed", "schema"],
        cwd=tmp_path,
        env=clean_environ(),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert ended.returncode == 1
    assert ended.stderr == b""


def test_keys_new_prints_a_key_that_the_settings_take(portal, registry):
    key = portal("keys", "new").out.strip()
    assert portal("db", "current", PORTAL_ENCRYPTION_KEYS=f"{key},{key}").status == 0
    assert portal("keys", "new").out.strip() != key


def test_first_process_of_a_container_ends_by_sigterm_from_the_start():
    """The kernel drops signals to it that nobody handles; `docker stop` would wait in vain."""
    unshare = shutil.which("unshare")
    mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
    inside = [unshare or "", *mapped, "--pid", "--fork", "--kill-child"]
    if unshare is None or subprocess.run([*inside, "true"], check=False).returncode:
        missing("a process namespace (unshare)")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://portal@127.0.0.1:{silent.getsockname()[1]}/portal"
        process = subprocess.Popen(
            [*inside, COMMAND, "db", "current"],
            env=clean_environ() | {"PORTAL_DATABASE_URL": url},
            stderr=subprocess.DEVNULL,
        )
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            own_processes = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            os.kill(int(own_processes.read_text()), signal.SIGTERM)
            assert process.wait(timeout=30) == TERMINATED
