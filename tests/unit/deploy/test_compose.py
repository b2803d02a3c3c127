"""docker-compose.yml is valid, and keeps what docs/deploy.md promises."""

import json
import re
from importlib.resources import files
from typing import Any

import click
import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

import settings
from cli import main
from embedding.devices import FREE
from launcher.passwords import SOURCES, Addresses, derived
from tests.support.compose import COMPOSE, ROOT, is_once, is_ours, load, services

PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
OVERLAYS = sorted((ROOT / "deploy").glob("compose*.yml"))
FILES = [COMPOSE, *OVERLAYS]
SERVICES = services()
OURS = {name: service for name, service in SERVICES.items() if is_ours(service)}
DATA_SERVICES = {"postgres", "redis", "qdrant"}
LAN = {"LAN_ADDRESS": "192.0.2.1"}


def seconds(duration: str) -> float:
    """A duration as Compose writes it: 90s, 1m30s."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h)", duration))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_fits_the_compose_specification(path: Any) -> None:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(vendored.read_text())
    validator = validator_for(schema, default=Draft202012Validator)(schema)
    faults = [
        f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(load(path, **LAN))
    ]
    assert not faults


def test_each_key_is_written_once() -> None:
    """YAML lets a second key of a name win silently; a service that lost its limits would look fine."""

    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            names = [key.value for key, _ in node.value if key.value != "<<"]
            assert len(names) == len(set(names)), f"line {node.start_mark.line + 1}: {names}"
            return super().construct_mapping(node, deep)

    for path in FILES:
        yaml.load(path.read_text(), Strict)  # noqa: S506 (a safe loader, and our own files)


def test_what_goes_on_is_watched_and_what_ends_is_waited_for() -> None:
    for name, service in SERVICES.items():
        assert is_once(service) != ("healthcheck" in service), name
        for needed, how in service.get("depends_on", {}).items():
            once = is_once(SERVICES[needed])
            wanted = "service_completed_successfully" if once else "service_healthy"
            assert how["condition"] == wanted, f"{name} -> {needed}"


def test_twirl_starts_after_its_services_and_its_tables() -> None:
    for name in ("web", "worker", "worker-gpu", "beat", "demo"):
        assert set(SERVICES[name]["depends_on"]) == {"migrate", *DATA_SERVICES}, name
    for name in DATA_SERVICES:
        assert "secrets" in SERVICES[name]["depends_on"], name


def test_a_plain_up_is_the_whole_shop_on_cpu() -> None:
    plain = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert plain == {"secrets", "migrate", "web", "worker", "beat", *DATA_SERVICES}
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
    for name in ("prometheus", "grafana", "celery-exporter"):
        assert SERVICES[name]["profiles"] == ["monitoring"]


def test_workers_can_be_many() -> None:
    for name in ("worker", "worker-gpu", "beat"):
        assert not {"container_name", "hostname", "ports"} & set(SERVICES[name]), name
    assert not any("container_name" in service for service in SERVICES.values())


def test_each_published_port_can_be_a_range_and_is_for_this_machine_unless_said_otherwise() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"
    many = services(WEB_PORTS="8000-8003", OPS_PORTS="127.0.0.1:8010-8013")["web"]["ports"]
    assert many == ["8000-8003:8000", "127.0.0.1:8010-8013:8001"]


def test_data_services_are_reached_from_inside_only() -> None:
    networks = load()["networks"]
    assert networks["backend"]["internal"] is True
    for name in DATA_SERVICES:
        assert SERVICES[name]["networks"] == ["backend"], name
        assert "ports" not in SERVICES[name], name
    on_egress = {name for name, service in SERVICES.items() if "egress" in service.get("networks", [])}
    assert on_egress == {"worker"}
    assert not any("ports" in SERVICES[name] for name in on_egress)


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_runs_with_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["pids_limit"] > 0
    assert re.fullmatch(r"\d+[mg]", str(service["mem_limit"]))
    assert service["logging"]["options"]["max-size"]
    # Ours are non-root by their image (test_dockerfile.py), the others by what is said here.
    assert is_ours(service) or int(service["user"].split(":")[0]) > 0


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        image, _, tag = service["image"].rpartition(":")
        if is_ours(service):
            assert tag in {"cpu", "cuda"}, name
        else:
            assert image, name
            assert re.match(r"v?\d+\.\d+\.\d+|\d+\.\d+-", tag), f"{name}: {tag} moves"


def test_one_service_builds_each_image() -> None:
    """Two that build one tag at once can fail with "already exists"."""
    builders = [(service["image"], name) for name, service in SERVICES.items() if "build" in service]
    assert sorted(builders) == [("twirl:cpu", "secrets"), ("twirl:cuda", "worker-gpu")]
    assert SERVICES["worker-gpu"]["build"]["target"] == "cuda"


def test_volumes_and_networks_are_declared_and_used() -> None:
    whole = load()
    named, networks = set(), set()
    for service in SERVICES.values():
        named |= {v.split(":")[0] for v in service.get("volumes", []) if not v.startswith(("./", "/"))}
        networks |= set(service.get("networks", []))
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).exists(), volume
                assert volume.endswith(":ro"), volume
    assert named == set(whole["volumes"])
    assert networks == set(whole["networks"])


def test_no_password_is_written_here() -> None:
    text = COMPOSE.read_text()
    assert not re.search(r"://[^\s:@/]+:[^\s@/]+@", text), "a URL with a password"
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|API_KEY|_URL_FILE", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert value.startswith("/run/secrets/"), f"{name}: {variable}"


def test_each_service_is_given_its_own_secrets_and_finds_them_there() -> None:
    made = {*SOURCES.values(), *derived(dict.fromkeys(SOURCES, "x"), Addresses())}
    rooms = {where.split("/")[0] for where in made}
    assert {v.partition(":")[2] for v in SERVICES["secrets"]["volumes"]} == {f"/secrets/{r}" for r in rooms}
    for name, service in SERVICES.items():
        mounts = [v for v in service.get("volumes", []) if v.endswith(":/run/secrets:ro")]
        assert len(mounts) == (name != "secrets"), name
        if name == "secrets":
            continue
        room = mounts[0].split(":")[0].removeprefix("secrets-")
        asked = set(re.findall(r"/run/secrets/([\w.]+)", json.dumps(service)))
        if name == "prometheus":
            asked |= set(re.findall(r"/run/secrets/([\w.]+)", PROMETHEUS.read_text()))
        assert asked, name
        assert {f"{room}/{file}" for file in asked} <= made, name


@pytest.mark.parametrize("name", OURS)
def test_its_settings_are_settings(name: str) -> None:
    known = {settings.variable(each.name) for _, each in settings.every_setting()}
    for variable in SERVICES[name].get("environment", {}):
        assert variable.removesuffix("_FILE") in known, variable


@pytest.mark.parametrize("name", OURS)
def test_its_command_is_a_command(name: str) -> None:
    word, *rest = SERVICES[name]["command"]
    command = main.commands[word]
    # Parsed, not run: unknown options, missing arguments and values out of range are errors here.
    command.make_context(word, list(rest), parent=click.Context(main), resilient_parsing=False)


def test_a_worker_may_finish_what_it_has_in_hand() -> None:
    soft = settings.Settings().queue.soft_shutdown_s
    for name in ("worker", "worker-gpu"):
        assert seconds(SERVICES[name]["stop_grace_period"]) > soft + 10, name


def test_a_gpu_worker_is_one_process_on_one_device() -> None:
    service = SERVICES["worker-gpu"]
    options = service["command"]
    assert options[options.index("--pool") + 1] == "solo"
    assert options[options.index("--concurrency") + 1] == "1"
    assert service["environment"]["TWIRL_DEVICE"] == FREE
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    # It sees them all, or every replica would be given the first, and claims one that is free.
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_overlays_add_to_services_that_are_there() -> None:
    assert OVERLAYS
    for path in OVERLAYS:
        for name, service in load(path, **LAN)["services"].items():
            base = service.get("extends", {}).get("service", name)
            assert base in SERVICES, f"{path.name}: {name}"


def test_what_can_be_changed_without_an_edit_is_described() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    for path in FILES:
        for name in re.findall(r"(?<!\$)\$\{(\w+)", path.read_text()):
            assert name in page, f"docs/deploy.md does not say what {name} is for"
