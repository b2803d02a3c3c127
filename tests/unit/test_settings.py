import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import settings
from settings import shapes

ROOT = Path(__file__).resolve().parents[2]


def test_docs_list_every_setting_as_declared() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page == settings.as_markdown(), "run: twirl settings --markdown > docs/settings.md"
    for _, each in settings.every_setting():
        assert settings.variable(each.name) in page


def test_defaults_need_no_environment() -> None:
    assert settings.load({}).web.port == 8000


def test_a_value_of_the_wrong_kind_names_its_variable() -> None:
    with pytest.raises(settings.SettingError, match=r"TWIRL_PORT='abc' is not a whole number"):
        settings.load({"TWIRL_PORT": "abc"})


def test_a_value_out_of_bounds_names_its_variable() -> None:
    with pytest.raises(settings.SettingError, match=r"TWIRL_BATCH=-1 is too small: at least 0"):
        settings.load({"TWIRL_BATCH": "-1"})


def test_operators_listen_beside_the_storefront_unless_told_otherwise() -> None:
    assert settings.load({}).ops_port == 8001
    assert settings.load({"TWIRL_PORT": "9000"}).ops_port == 9001
    assert settings.load({"TWIRL_PORT": "65535"}).ops_port == 65534
    assert settings.load({"TWIRL_OPS_PORT": "9100"}).ops_port == 9100


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TWIRL_OPS_TOKEN", "short", "openssl rand"),
        ("TWIRL_OTLP_ENDPOINT", "collector:4318", "http://collector:4318"),
        ("TWIRL_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_what_cannot_be_used_says_what_can(variable: str, value: str, said: str) -> None:
    with pytest.raises(settings.SettingError, match=said) as refused:
        settings.load({variable: value})
    assert variable in str(refused.value)


def test_secrets_are_listed_for_the_log_to_mask() -> None:
    given = settings.load({"TWIRL_OPS_TOKEN": "a" * 20, "TWIRL_QDRANT_API_KEY": "kkkkkkkk"})
    assert settings.secrets(given) == ["kkkkkkkk", "a" * 20]


def test_a_port_that_no_machine_has_is_refused() -> None:
    with pytest.raises(settings.SettingError, match=r"TWIRL_PORT=70000 is too large: at most 65535"):
        settings.load({"TWIRL_PORT": "70000"})


def test_a_path_may_start_at_home_but_not_be_empty() -> None:
    assert settings.load({"TWIRL_DATA": "~/twirl"}).storage.data == Path.home() / "twirl"
    with pytest.raises(settings.SettingError, match="TWIRL_DATA is empty"):
        settings.load({"TWIRL_DATA": ""})


def test_a_mistyped_variable_is_not_ignored() -> None:
    with pytest.raises(settings.SettingError, match=r"TWIRL_PROT.*Did you mean TWIRL_PORT"):
        settings.load({"TWIRL_PROT": "80"})


def test_a_secret_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    loaded = settings.load({"TWIRL_QDRANT_API_KEY_FILE": str(tmp_path / "key")})
    assert loaded.vectors.qdrant_api_key == "s3cret"
    assert "s3cret" not in str(list(settings.as_rows(loaded)))


def test_a_missing_secret_file_names_the_fix() -> None:
    with pytest.raises(settings.SettingError, match=r"TWIRL_QDRANT_API_KEY_FILE: cannot read"):
        settings.load({"TWIRL_QDRANT_API_KEY_FILE": "/nonexistent/key"})


def test_sqlite_lives_in_the_data_folder_unless_a_database_is_named(tmp_path: Path) -> None:
    assert settings.load({"TWIRL_DATA": str(tmp_path)}).database_url.startswith("sqlite:///")
    url = "postgresql+psycopg://a@b/c"
    assert settings.load({"TWIRL_DATABASE_URL": url}).database_url == url


def test_makefile_help_describes_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    declared = re.search(r"^DESCRIBED := (.*)$", text, re.M)
    assert declared
    described = set(re.findall(r"^([a-z-]+):.*##", text, re.M))
    assert set(declared.group(1).split()) | {"help"} == described


DEPLOYED = {
    "TWIRL_REDIS_URL": "redis://127.0.0.1/0",
    "TWIRL_DATABASE_URL": "postgresql+psycopg://a@b/c",
    "TWIRL_QDRANT_URL": "http://127.0.0.1:6333",
}


def test_redis_chooses_the_deployed_shape() -> None:
    assert not settings.load({}).deployed
    assert settings.load(DEPLOYED).deployed
    assert settings.load(DEPLOYED).worker_queues == shapes.QUEUES
    assert settings.load({"TWIRL_WORKER_QUEUES": "embed, index,"}).worker_queues == ("embed", "index")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"TWIRL_DATABASE_URL": ""}, "TWIRL_DATABASE_URL"),
        ({"TWIRL_DATABASE_URL": "sqlite:///x.sqlite3"}, "TWIRL_DATABASE_URL"),
        ({"TWIRL_QDRANT_URL": ""}, "TWIRL_QDRANT_URL"),
        ({"TWIRL_REDIS_URL": "127.0.0.1:6379"}, "TWIRL_REDIS_URL"),
        ({"TWIRL_WORKER_POOL": "gevent"}, "TWIRL_WORKER_POOL"),
        ({"TWIRL_WORKER_QUEUES": "imagse"}, "TWIRL_WORKER_QUEUES"),
        ({"TWIRL_WORKER_QUEUES": ""}, "TWIRL_WORKER_QUEUES"),
        ({"TWIRL_TASK_LIMIT_S": "50", "TWIRL_TASK_SOFT_LIMIT_S": "50"}, "TWIRL_TASK_SOFT_LIMIT_S"),
        ({"TWIRL_DECODER_TIMEOUT_S": "45"}, "TWIRL_DECODER_TIMEOUT_S"),
    ],
)
def test_what_the_deployed_shape_lacks_is_named_at_start(change: dict[str, str], named: str) -> None:
    with pytest.raises(settings.SettingError, match=named):
        settings.load(DEPLOYED | change)


@pytest.mark.parametrize("name", ["what?", "no#1", "100%", "50%25", "a b", "ü?mode=memory"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    engine = create_engine(settings.load({"TWIRL_DATA": str(folder)}).database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE one (id INTEGER)"))
    engine.dispose()
    assert [path.name for path in folder.iterdir()] == ["twirl.sqlite3"]
