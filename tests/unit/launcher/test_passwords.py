import stat
from pathlib import Path

import yaml
from click.testing import CliRunner
from sqlalchemy import make_url

from cli import main
from launcher.passwords import SOURCES, Addresses, write_secrets


def read(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_the_second_time_nothing_changes(tmp_path: Path) -> None:
    write_secrets(tmp_path, Addresses())
    first = read(tmp_path)
    assert write_secrets(tmp_path, Addresses()) == []
    assert read(tmp_path) == first


def test_no_two_installations_and_no_two_services_share_a_password(tmp_path: Path) -> None:
    seen = []
    for name in ("a", "b"):
        write_secrets(tmp_path / name, Addresses())
        seen += [(tmp_path / name / where).read_text() for where in SOURCES.values()]
    assert len(set(seen)) == 2 * len(SOURCES)
    assert min(map(len, seen)) >= 40


def test_each_service_reads_the_password_that_twirl_sends(tmp_path: Path) -> None:
    write_secrets(tmp_path, Addresses(postgres="db.example:5433", redis="cache.example:6380"))
    files = read(tmp_path)
    url = make_url(files["twirl/database_url"])
    assert url.password == files["postgres/password"]
    assert (url.host, url.port, url.database) == ("db.example", 5433, "twirl")
    assert files["twirl/redis_url"] == f"redis://:{files['redis/password']}@cache.example:6380/0"
    assert files["redis/redis.conf"].split() == ["requirepass", files["redis/password"]]
    service = yaml.safe_load(files["qdrant/config.yaml"])["service"]
    assert service["api_key"] == files["twirl/qdrant_api_key"]
    assert service["read_only_api_key"] == files["prometheus/qdrant_api_key"]
    assert files["prometheus/ops_token"] == files["twirl/ops_token"]


def test_a_removed_password_is_drawn_anew_and_what_is_made_of_it_follows(tmp_path: Path) -> None:
    write_secrets(tmp_path, Addresses())
    before = read(tmp_path)
    (tmp_path / "redis/password").unlink()
    written = write_secrets(tmp_path, Addresses())
    assert set(written) == {"redis/password", "redis/redis.conf", "twirl/redis_url", "exporter/redis_url"}
    after = read(tmp_path)
    assert after["twirl/redis_url"] != before["twirl/redis_url"]
    assert after["twirl/database_url"] == before["twirl/database_url"]


def test_files_are_for_their_owner_unless_said_otherwise(tmp_path: Path) -> None:
    for name, readable, mode in (("mine", False, 0o400), ("shared", True, 0o444)):
        write_secrets(tmp_path / name, Addresses(), readable)
        modes = {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / name).rglob("*") if p.is_file()}
        assert modes == {mode}
        write_secrets(tmp_path / name, Addresses(postgres="elsewhere:1"), readable)  # can be replaced


def test_the_command_prints_no_password(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["secrets", str(tmp_path)])
    assert said.exit_code == 0
    assert "13 files written" in said.output
    assert not any(text.strip() in said.output for text in read(tmp_path).values())
