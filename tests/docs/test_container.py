"""What the page on containers shows fits the image."""

from __future__ import annotations

import re

import yaml

from tests.conftest import REPOSITORY
from usseg_monai import __version__
from usseg_monai.cli import whole_parser

TEXT = (REPOSITORY / "docs" / "how_to" / "container.md").read_text(encoding="utf-8")


def test_tags_have_this_version() -> None:
    assert set(re.findall(r"usseg-monai:([\w.]+)-", TEXT)) == {__version__}


def test_the_job_has_no_rights_and_its_command_is_one() -> None:
    job, probe = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    rights = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert container["securityContext"] == rights
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert whole_parser().parse_args(container["args"]).resume
    assert probe["livenessProbe"]["httpGet"]["path"] == "/health"


def test_every_command_with_docker_runs_without_rights() -> None:
    runs = [re.sub(r"\\\n\s*", "", run) for run in re.findall(r"^    docker run (?!\.\.\.)(?:.*\\\n)*.*$", TEXT, re.MULTILINE)]
    assert len(runs) == 3
    for line in runs:
        assert "--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges" in line
