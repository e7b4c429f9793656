"""Each bundle's metadata.json against our schema, its own configs, and the versions we test with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from benchmarks.accuracy.__main__ import BENCHMARKS
from tests.conftest import REPOSITORY
from usseg_monai import __version__
from usseg_monai.tasks import TASKS


@pytest.fixture
def metadata(bundle: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bundle / "configs" / "metadata.json").read_text())
    return content


def test_follows_the_schema(metadata: dict[str, Any]) -> None:
    schema = json.loads(Path(__file__).with_name("schema.json").read_text())
    jsonschema.Draft201909Validator.check_schema(schema)
    jsonschema.validate(metadata, schema)


def test_has_a_line_for_its_version(metadata: dict[str, Any]) -> None:
    assert metadata["version"] == next(iter(metadata["changelog"]))


def test_names_the_versions_that_the_tests_run_with(metadata: dict[str, Any]) -> None:
    tested = dict(re.findall(r"^([\w-]+)==([\w.]+)", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE))
    named = {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
        **metadata["required_packages_version"],
    }
    assert named.pop("usseg-monai") == __version__
    assert named == {name: tested[name] for name in named}


def test_agrees_with_the_configs_and_the_task(metadata: dict[str, Any], bundle: Path, task: str) -> None:
    config = json.loads((bundle / "configs" / "inference.json").read_text())
    formats = metadata["network_data_format"]
    assert formats["inputs"]["image"]["spatial_shape"] == config["image_size"]
    assert formats["inputs"]["image"]["num_channels"] == config["network_def"]["in_channels"]
    assert formats["outputs"]["pred"]["num_channels"] == config["network_def"]["out_channels"]
    assert tuple(formats["outputs"]["pred"]["channel_def"].values()) == TASKS[task].labels


def test_says_what_the_documentation_says(metadata: dict[str, Any], bundle: Path) -> None:
    readme = (bundle / "docs" / "README.md").read_text()
    assert "not a medical device" in readme.lower()
    for reference in metadata["references"]:
        assert reference.rpartition("https://doi.org/")[2] in readme
    assert (bundle / "LICENSE").is_file() and (bundle / "docs" / "data_license.txt").is_file()


def test_figures_are_those_of_the_released_weights(metadata: dict[str, Any], task: str) -> None:
    """`make accuracy` wrote them for this very graph: new weights need new figures."""
    measured = json.loads((REPOSITORY / "benchmarks" / "results" / "accuracy.json").read_text())[task]
    assert measured["weights_sha256"] == TASKS[task].weights_sha256
    assert metadata["eval_metrics"] == BENCHMARKS[task].eval_metrics(measured)
