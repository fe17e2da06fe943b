"""The production files hold together: nothing starts without its secrets, and each service says how it is judged."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.pure
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
ONE_SHOT = {"migrate", "buckets"}
OURS = {"web", "worker", "beat", "dicom", *ONE_SHOT}
SECRET = re.compile(r"(KEY|PASSWORD|SECRET)")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE)["services"])


def test_the_production_shape_is_complete(services: dict[str, Any]) -> None:
    assert set(services) == OURS | {"postgres", "redis", "seaweedfs"}


def test_each_lasting_service_has_a_health_check_and_restarts(services: dict[str, Any]) -> None:
    for name in set(services) - ONE_SHOT:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name


def test_what_runs_once_is_not_restarted(services: dict[str, Any]) -> None:
    assert {services[name]["restart"] for name in ONE_SHOT} == {"no"}


def test_no_secret_has_a_value_or_a_default(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service["environment"].items():
            if variable == "GETDATA_OLD_MASTER_KEYS":  # there are some only while keys are rotated
                assert value == "${GETDATA_OLD_MASTER_KEYS:-}", name
            elif SECRET.search(variable) or "@" in str(value):
                assert re.search(r"\$\{[A-Z0-9_]+:\?[^}]+\}", str(value)), f"{name}: {variable}"


def test_nothing_starts_without_its_secrets() -> None:
    required = set(re.findall(r"\$\{([A-Z0-9_]+):\?", COMPOSE))

    assert {"SECRET_KEY", "GETDATA_MASTER_KEY", "POSTGRES_PASSWORD", "S3_SECRET_ACCESS_KEY"} <= required
    assert required == set(re.findall(r"^([A-Z0-9_]+)=$", EXAMPLE, flags=re.MULTILINE))


def test_the_example_file_has_no_value() -> None:
    values = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]

    assert values
    assert [line for line in values if not line.endswith("=")] == []


def test_the_database_and_redis_cannot_be_reached_from_outside(services: dict[str, Any]) -> None:
    assert yaml.safe_load(COMPOSE)["networks"]["private"]["internal"] is True
    for name in ("postgres", "redis"):
        assert services[name]["networks"] == ["private"], name
        assert "ports" not in services[name], name


def test_what_is_published_is_published_to_the_proxy_on_this_machine_only(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert published.pop("dicom") == ["${DICOM_BIND:-127.0.0.1}:${GETDATA_DICOM_PORT:-11112}:11112"]
    assert set(published) == {"web", "seaweedfs"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_only_the_s3_door_of_the_store_listens(services: dict[str, Any]) -> None:
    command = services["seaweedfs"]["command"][0]

    assert "-ip.bind=127.0.0.1" in command
    assert "-s3.ip.bind=0.0.0.0" in command
    assert "-s3.config=/tmp/s3.json" in command


def test_our_containers_have_no_privileges_and_cannot_change_their_image(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["read_only"] is True, name
        assert services[name]["cap_drop"] == ["ALL"], name
    assert re.search(r"^USER getdata$", DOCKERFILE, flags=re.MULTILINE)


def test_the_dicom_listener_starts_only_when_it_is_asked_for(services: dict[str, Any]) -> None:
    assert services["dicom"]["profiles"] == ["dicom"]
    assert [name for name, service in services.items() if "profiles" in service] == ["dicom"]


def test_beat_writes_only_where_it_may(services: dict[str, Any]) -> None:
    assert "--schedule /tmp/" in services["beat"]["command"][-1]


def test_every_variable_of_the_settings_and_of_compose_is_explained() -> None:
    settings = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "getdata").glob("settings*.py"))
    known = set(re.findall(r"""env\.\w+\(\s*f?["']([A-Z][A-Z0-9_]+)["']""", settings))
    known |= set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE))

    assert len(known) > 20
    assert sorted(name for name in known if f"`{name}`" not in DEPLOYMENT) == []


def test_the_image_is_built_with_the_uv_of_the_makefile() -> None:
    pinned = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert pinned is not None
    assert f"uv=={pinned[1]}" in DOCKERFILE


def test_nothing_private_goes_to_the_image_builder() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert next(rule for rule in rules if rule and not rule.startswith("#")) == "*"
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE):
        for name in copied.split():
            assert f"!{name}" in rules, name


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,
    reason="the docker compose plugin is not installed; the file is read by the tests above only",
)
def test_docker_compose_accepts_the_file_with_secrets_and_refuses_it_without(tmp_path: Path) -> None:
    filled = tmp_path / "env"
    filled.write_text(re.sub(r"=$", "=value", EXAMPLE, flags=re.MULTILINE), encoding="utf-8")
    empty = tmp_path / "empty"
    empty.write_text(EXAMPLE, encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def config(values: Path) -> subprocess.CompletedProcess[str]:
        command = ["docker", "compose", "--env-file", str(values), "config", "--quiet"]
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert config(filled).returncode == 0
    refused = config(empty)
    assert refused.returncode != 0
    assert "see .env.example" in refused.stderr
