"""The settings: what is read, what is refused by name, and what is made once."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.crypto import new_key
from portal.settings import SettingsError, known_names, load_settings, settings_table
from portal.settings.parsing import read_origin

README = Path(__file__).parents[1] / "README.md"
CONTRACT = {
    "PORTAL_DATABASE_URL",
    "PORTAL_INSTANCE_DIR",
    "PORTAL_REDIS_URL",
    "PORTAL_SECRET_KEY",
    "FLASK_SECRET_KEY",
    "PORTAL_ENCRYPTION_KEYS",
    "PORTAL_BASE_URL",
    "PORTAL_ENV",
    "PORTAL_ALLOW_LOCAL_ISSUERS",
    "PORTAL_RATE_LIMITS",
    "PORTAL_DNS_SERVERS",
    "PORTAL_TRUSTED_PROXIES",
    "PORTAL_MAIL_URL",
    "SSOJET_ISSUER_URL",
    "SSOJET_CLIENT_ID",
    "SSOJET_CLIENT_SECRET",
    "SSOJET_REDIRECT_URI",
}


@pytest.fixture
def load(tmp_path):
    """Read settings of a folder of their own: `load(dotenv="...", NAME=value)`."""

    def read(dotenv=None, **environ):
        if dotenv is not None:
            (tmp_path / ".env").write_text(dotenv)
        values = {"PORTAL_INSTANCE_DIR": str(tmp_path / "instance"), **environ}
        return load_settings(values, folder=tmp_path)

    return read


@pytest.fixture
def refused(load):
    """Give the problems for which settings are refused."""

    def read(dotenv=None, **environ):
        with pytest.raises(SettingsError) as refusal:
            load(dotenv, **environ)
        return refusal.value.problems

    return read


def production(**changes):
    return {
        "PORTAL_ENV": "production",
        "PORTAL_SECRET_KEY": "s" * 32,
        "PORTAL_ENCRYPTION_KEYS": new_key(),
        "PORTAL_BASE_URL": "https://login.example",
        **changes,
    }


def test_the_settings_are_those_of_the_contract():
    assert known_names() == CONTRACT


def test_the_defaults_are_those_of_the_contract(tmp_path, load, monkeypatch):
    settings = load()
    assert settings.database_url == f"sqlite:///{tmp_path / 'instance' / 'portal.db'}"
    assert settings.base_url == "http://localhost:5000"
    assert settings.host == "localhost:5000"
    assert not settings.is_https
    assert not settings.is_production
    assert settings.redis_url is None
    assert settings.mail_url is None
    assert settings.dns_servers == ()
    assert settings.trusted_proxies == 0
    assert settings.rate_limits
    assert not settings.allow_local_issuers
    assert settings.ssojet_issuer_url == settings.ssojet_client_id == ""
    assert settings.default_redirect_uri == "http://localhost:5000/auth/callback"
    monkeypatch.chdir(tmp_path)
    assert load_settings({}).instance_dir == tmp_path / "instance"


def test_the_readme_shows_the_table_of_settings():
    found = re.search(
        r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README.read_text(), re.DOTALL
    )
    message = f"README.md lacks, between its `settings` marks:\n{settings_table()}"
    assert found, message
    assert found[1].strip() == settings_table(), message


def test_the_table_tells_meaning_and_default_of_every_setting():
    rows = [line.strip("| ").split(" | ") for line in settings_table().splitlines()[2:]]
    assert {row[0].strip("`") for row in rows} == CONTRACT - {"FLASK_SECRET_KEY"}
    assert all(len(row) == 3 and all(row) for row in rows)


# --- where values come from


def test_a_dotenv_file_in_the_working_directory_is_read(load):
    assert load("PORTAL_BASE_URL=https://a.example\nOTHER=x\n").base_url == "https://a.example"


def test_the_environment_wins_over_the_dotenv_file(load):
    settings = load("PORTAL_ENV=nonsense", PORTAL_ENV="development")
    assert settings.env == "development"


def test_a_dotenv_value_is_taken_as_it_is_written(load):
    settings = load("SSOJET_ISSUER_URL=https://i.example\nSSOJET_CLIENT_ID='a ${HOME} # b'\n")
    assert settings.ssojet_client_id == "a ${HOME} # b"


def test_an_empty_value_counts_as_unset(load):
    assert load(PORTAL_REDIS_URL="", PORTAL_ENV="").redis_url is None


def test_flasks_own_name_of_the_secret_key_is_accepted(load):
    assert load(FLASK_SECRET_KEY="f" * 32).secret_key.get_secret_value() == "f" * 32
    both = load(FLASK_SECRET_KEY="f" * 32, PORTAL_SECRET_KEY="p" * 32)
    assert both.secret_key.get_secret_value() == "p" * 32


def test_other_programs_variables_are_left_alone(load):
    settings = load("HOME=/x\nSSOJET_API_KEY=x\n", FLASK_DEBUG="1", SSOJET_OTHER="x")
    assert settings.base_url == "http://localhost:5000"


# --- what is refused


def test_an_unknown_name_is_refused_by_name_with_the_nearest_one(refused):
    assert refused(PORTAL_BASEURL="x") == [
        "PORTAL_BASEURL is no setting; did you mean PORTAL_BASE_URL?"
    ]
    assert refused("PORTAL_XYZZY=1") == [
        "PORTAL_XYZZY (in .env) is no setting; the README lists them all"
    ]


def test_an_unknown_name_without_a_value_is_refused_too(refused):
    assert "PORTAL_XYZZY" in refused("PORTAL_XYZZY")[0]


def test_the_password_that_seed_files_refer_to_is_no_unknown_setting(load):
    assert "planted" not in repr(load(PORTAL_OPERATOR_PASSWORD="planted"))


BAD_VALUES = {
    "PORTAL_DATABASE_URL": [
        "mysql://u:hush@h/db",
        "sqlite:/x",
        "hush",
        "postgresql://h:hush/db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:hush?mode=memory&uri=true",
    ],
    "PORTAL_REDIS_URL": ["hush", "http://h", "redis://:hush@h:hush"],
    "PORTAL_ENCRYPTION_KEYS": ["hush", "A" * 43 + "=,hush"],
    "PORTAL_BASE_URL": [
        "hush",
        "ftp://h",
        "https://h/path",
        "https://h?q=hush",
        "https://u:hush@h",
        "https://h:99999",
        "https://[::1",
        "https://a b",
        "https://-h",
    ],
    "PORTAL_ENV": ["prod", "Production"],
    "PORTAL_ALLOW_LOCAL_ISSUERS": ["maybe"],
    "PORTAL_RATE_LIMITS": ["maybe", "true"],
    "PORTAL_DNS_SERVERS": ["1.1.1.1:x", "1.1.1.1:99999", "2001:db8::1", "a b", "u@h"],
    "PORTAL_TRUSTED_PROXIES": ["-1", "11", "x", "1.0"],
    "PORTAL_MAIL_URL": ["hush", "http://h", "smtp://u:hush@h:hush"],
    "SSOJET_ISSUER_URL": ["hush", "ftp://h"],
    "SSOJET_REDIRECT_URI": ["/auth/callback"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in BAD_VALUES.items() for v in vs])
def test_a_bad_value_is_refused_by_name_and_never_repeated(refused, name, value):
    problems = refused(**{name: value})
    assert len(problems) == 1
    assert problems[0].startswith(f"{name} ")
    assert "hush" not in problems[0]


def test_all_problems_are_told_at_once(refused):
    problems = refused(PORTAL_NOPE="1", PORTAL_ENV="x", PORTAL_RATE_LIMITS="x")
    assert [line.split()[0] for line in problems] == [
        "PORTAL_NOPE",
        "PORTAL_ENV",
        "PORTAL_RATE_LIMITS",
    ]


def test_a_dotenv_line_that_is_none_is_named(refused, tmp_path):
    assert refused("A=1\n'broken\n") == [f"{tmp_path / '.env'}:2 is not of the form NAME=value"]


def test_a_dotenv_file_that_is_no_text_is_named(refused, tmp_path):
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8" in refused()[0]


def test_half_a_default_client_is_refused(refused):
    assert refused(SSOJET_CLIENT_ID="cli") == [
        "SSOJET_ISSUER_URL is missing beside SSOJET_CLIENT_ID"
    ]
    assert refused(SSOJET_CLIENT_SECRET="hush") == [
        "SSOJET_CLIENT_ID is missing beside SSOJET_CLIENT_SECRET"
    ]


# --- the base URL


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://login.example/", "https://login.example"),
        ("HTTPS://Login.Example", "https://login.example"),
        ("https://login.example:443", "https://login.example"),
        ("http://login.example:443", "http://login.example:443"),
        ("http://[::1]:5000/", "http://[::1]:5000"),
        ("http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_base_url_is_put_in_the_form_that_browsers_send(load, typed, origin):
    assert load(PORTAL_BASE_URL=typed).base_url == origin


@given(st.text(max_size=60) | st.from_regex(r"https?://[^/]{0,30}/?", fullmatch=True))
def test_any_text_is_an_origin_in_normal_form_or_refused(text):
    try:
        origin = read_origin(text)
    except ValueError:
        return
    assert read_origin(origin) == origin
    assert re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", origin)


# --- production


def test_production_starts_with_keys_of_its_own(load):
    assert load(**production()).is_production


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PORTAL_SECRET_KEY": ""}, "PORTAL_SECRET_KEY"),
        ({"PORTAL_SECRET_KEY": "short"}, "PORTAL_SECRET_KEY"),
        ({"PORTAL_ENCRYPTION_KEYS": ""}, "PORTAL_ENCRYPTION_KEYS"),
        ({"PORTAL_BASE_URL": "http://login.example"}, "PORTAL_BASE_URL"),
    ],
)
def test_production_refuses_what_is_unsafe(refused, tmp_path, changes, named):
    problems = refused(**production(**changes))
    assert [line.split()[0] for line in problems] == [named]
    assert not (tmp_path / "instance").exists()


@pytest.mark.parametrize("local", ["http://localhost:5000", "http://127.0.0.1", "http://[::1]:80"])
def test_production_may_be_tried_on_this_machine_without_https(load, local):
    assert load(**production(PORTAL_BASE_URL=local)).is_production


# --- keys that are made once


def test_keys_are_made_once_and_for_the_owner_alone(load, tmp_path):
    first, second = load(), load()
    assert first.secret_key == second.secret_key
    assert first.encryption_keys == second.encryption_keys
    made = {path.name: path for path in (tmp_path / "instance").iterdir()}
    assert set(made) == {"secret_key", "encryption_key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.values()} == {0o600}
    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700


def test_processes_that_start_at_once_agree_on_their_keys(load):
    with ThreadPoolExecutor(8) as pool:
        keys = {s.secret_key.get_secret_value() for s in pool.map(lambda _: load(), range(16))}
    assert len(keys) == 1


def test_an_instance_folder_that_cannot_be_made_is_named(refused, tmp_path):
    (tmp_path / "file").write_text("")
    problems = refused(PORTAL_INSTANCE_DIR=str(tmp_path / "file" / "instance"))
    assert problems[0].startswith("PORTAL_INSTANCE_DIR: ")


@pytest.mark.parametrize(("file", "held"), [("encryption_key", "hush"), ("secret_key", "")])
def test_a_kept_key_that_is_spoilt_is_named_and_not_replaced(load, refused, tmp_path, file, held):
    load()
    path = tmp_path / "instance" / file
    path.write_text(held)
    assert str(path) in refused()[0]
    assert path.read_text() == held


def test_no_secret_shows_in_the_settings_text(load):
    key = new_key()
    settings = load(
        PORTAL_SECRET_KEY="hush" * 8,
        PORTAL_ENCRYPTION_KEYS=key,
        PORTAL_REDIS_URL="redis://:hush@h",
        PORTAL_MAIL_URL="smtp://u:hush@h",
        SSOJET_ISSUER_URL="https://i.example",
        SSOJET_CLIENT_ID="c",
        SSOJET_CLIENT_SECRET="hush",
    )
    assert "hush" not in repr(settings)
    assert key not in repr(settings)
