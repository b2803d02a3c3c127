import re
from pathlib import Path

import pytest

import settings

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
    with pytest.raises(settings.SettingError, match=r"TWIRL_BATCH=0 is too small: at least 1"):
        settings.load({"TWIRL_BATCH": "0"})


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
