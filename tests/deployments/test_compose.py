"""compose.yaml: a valid file, known settings, pinned images, nothing open to the network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import prefect.settings
import pytest
import yaml

from operate.places import LEASES, Place

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "compose.yaml").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OWN = ("server", "worker")


def test_it_is_valid_by_the_compose_specification() -> None:
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]

    done = subprocess.run([*command, "compose.yaml"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_is_a_setting_of_prefect_or_of_postgresql() -> None:
    names = [name for service in SERVICES.values() for name in service.get("environment", {})]

    assert len(names) > 8
    for name in names:
        known = hasattr(prefect.settings, name)
        assert known or name in ("POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"), name


LOGIN = "${PREFECT_API_AUTH_STRING:?a user and a password, as admin:...}"


def test_the_server_has_what_make_up_gives_its_own(tmp_path: Path) -> None:
    place = Place(tmp_path, port=4200).server_environment(database="postgresql+asyncpg://x")
    place["PREFECT_SERVER_API_AUTH_STRING"] = LOGIN  # each has its own
    env = SERVICES["server"]["environment"]
    server = {name for name in place if name.startswith("PREFECT_SERVER_")}
    in_image = set(re.findall(r"PREFECT_SERVER_\w+", (ROOT / "Dockerfile").read_text("utf-8")))

    # The UI asks port 4200 by itself.
    assert server - set(env) - in_image == {"PREFECT_SERVER_UI_API_URL"}
    assert {name: env[name] for name in server & set(env)} == {
        name: place[name] for name in server & set(env)
    }
    assert env["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"] == LEASES


def test_secrets_come_from_outside_and_a_missing_one_is_refused() -> None:
    assert set(re.findall(r"\$\{(\w+):\?", TEXT)) == {
        "POSTGRES_PASSWORD",
        "PREFECT_API_AUTH_STRING",
    }
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|AUTH|CONNECTION_URL", name):
                assert "${" in value, name
    assert SERVICES["worker"]["env_file"] == ".env"


def test_foreign_images_are_pinned_and_ours_is_built_from_the_dockerfile() -> None:
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", SERVICES["database"]["image"])
    assert {SERVICES[name]["image"] for name in OWN} == {"naverplace:local"}
    assert SERVICES["server"]["build"] == "."


def test_ports_are_bound_to_loopback_and_the_database_is_reached_by_the_server_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports == ["127.0.0.1:4200:4200"]
    assert yaml.safe_load(TEXT)["networks"]["database"] == {"internal": True}
    assert [name for name in SERVICES if "database" in SERVICES[name]["networks"]] == [
        "database",
        "server",
    ]


@pytest.mark.parametrize("name", OWN)
def test_our_containers_are_hardened_and_write_only_to_tmp(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (service.get("tmpfs"), service.get("volumes")) in (
        ("/tmp", None),
        (None, ["server:/tmp"]),
    )


def test_each_one_starts_when_the_one_before_it_is_healthy() -> None:
    waits = {name: list(service.get("depends_on", {})) for name, service in SERVICES.items()}

    assert waits == {"database": [], "server": ["database"], "worker": ["server"]}
    assert all("healthcheck" in SERVICES[name] for name in ("database", "server"))
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text("utf-8")  # the worker's own


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_systemd_unit_is_rated_under_three(tmp_path: Path) -> None:
    unit = shutil.copy(ROOT / "deployments/systemd/naverplace.service", tmp_path)
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    ).stdout

    found = re.search(r"exposure level for naverplace.service: ([\d.]+)", rated)
    assert found, rated
    assert float(found[1]) < 3
