"""What the gates of `make check` pass over has a reason beside it, and they look at every template."""

from __future__ import annotations

import re
import subprocess

import yaml

from tests.template import translation

ROOT = translation.ROOT
TOOLS = ("emulator", "lambda-runtime", "checkov", "security")


def test_every_check_that_is_skipped_everywhere_has_its_reason_above_it() -> None:
    lines = (ROOT / ".checkov.yaml").read_text().splitlines()
    skipped = yaml.safe_load("\n".join(lines))["skip-check"]
    assert all(re.fullmatch(r"CKV2?_AWS_\d+", check) for check in skipped)
    for check in skipped:
        above = lines[lines.index(f"  - {check}") - 1]
        assert above.startswith("  # "), check


def test_every_check_that_one_resource_is_excused_from_has_its_reason_beside_it() -> None:
    found = []
    for path in translation.paths():
        for name, resource in translation.read(path)["Resources"].items():
            for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
                assert len(skip["comment"]) > 20, name
                found.append(skip["id"])
    assert found, "the way to excuse a resource is not in use: does SAM carry it still?"


def test_an_excuse_beside_a_resource_survives_sams_transform() -> None:
    bucket = translation.translate(translation.read(ROOT / "template.yaml"))["Resources"]["AccessLogBucket"]
    assert [skip["id"] for skip in bucket["Metadata"]["checkov"]["skip"]] == ["CKV_AWS_18"]


def test_make_check_runs_every_gate_over_every_template() -> None:
    """As make itself says it would, so that a template that is added is looked at too."""
    ready = [f"--assume-old={name}/.ready" for name in (".venv", *(f".tools/{tool}" for tool in TOOLS))]
    told = subprocess.run(
        ["make", "--dry-run", *ready, "check"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for path in translation.paths():
        assert f"sam validate --lint --template {path.relative_to(ROOT)}\n" in told
    for gate in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        "cfn-lint",
        "checkov",
        "bandit",
        "zizmor",
    ):
        assert f"/{gate}" in told, gate
