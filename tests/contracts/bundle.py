"""What every bundle promises."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import pytest

from tests.conftest import REPOSITORY
from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.weights.released import released_weights

SCHEMA = REPOSITORY / "tests" / "bundles" / "schema.json"
CONFIGS = {"evaluate.json", "inference.json", "metadata.json", "multi_gpu_train.json", "refit.json", "train.json"}
OWN_NAME = re.compile(r"(?:bundle_root|bundle_weights)\('(\w+)'")


class BundleContract:
    """Files, metadata and documentation of a task's bundle; what it computes is in ``tests/bundles``.

    >>> class TestFetalHeadBundle(BundleContract):
    ...     name = "fetal_head"
    """

    name: str

    @pytest.fixture
    def folder(self) -> Path:
        return bundle_path(self.name)

    @pytest.fixture
    def metadata(self, folder: Path) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((folder / "configs" / "metadata.json").read_text())
        return content

    def test_has_the_files_of_a_bundle(self, folder: Path) -> None:
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert {f"configs/{name}" for name in CONFIGS} <= there
        assert {"LICENSE", "configs/logging.conf", "docs/README.md", "docs/data_license.txt"} <= there

    def test_metadata_follows_the_schema(self, metadata: dict[str, Any]) -> None:
        schema = json.loads(SCHEMA.read_text())
        jsonschema.Draft201909Validator.check_schema(schema)
        jsonschema.validate(metadata, schema)

    def test_metadata_has_a_line_for_its_version(self, metadata: dict[str, Any]) -> None:
        assert metadata["version"] == next(iter(metadata["changelog"]))

    def test_metadata_agrees_with_the_configs_and_the_task(self, metadata: dict[str, Any], folder: Path) -> None:
        config = json.loads((folder / "configs" / "inference.json").read_text())
        formats = metadata["network_data_format"]
        assert formats["inputs"]["image"]["spatial_shape"] == config["image_size"]
        assert formats["inputs"]["image"]["num_channels"] == config["network_def"]["in_channels"]
        assert formats["outputs"]["pred"]["num_channels"] == config["network_def"]["out_channels"]
        assert tuple(formats["outputs"]["pred"]["channel_def"].values()) == TASKS[self.name].labels

    def test_documentation_says_what_the_metadata_says(self, metadata: dict[str, Any], folder: Path) -> None:
        readme = (folder / "docs" / "README.md").read_text()
        assert "not a medical device" in readme.lower()
        for reference in metadata["references"]:
            assert reference.rpartition("https://doi.org/")[2] in readme

    def test_configs_name_their_own_bundle(self, folder: Path) -> None:
        """A copy that was renamed in half would run the weights of the other task."""
        named = {file.name: set(OWN_NAME.findall(file.read_text())) for file in (folder / "configs").glob("*.json")}
        assert named["train.json"] == named["inference.json"] == {self.name}
        assert set().union(*named.values()) == {self.name}
        inference = (folder / "configs" / "inference.json").read_text()
        assert re.search(rf'"task": "{self.name}"', inference)

    def test_weights_are_the_released_ones(self, folder: Path) -> None:
        assert released_weights(self.name) == folder / "models" / "model.pt"
        graph = (folder / "models" / "model.onnx").read_bytes()
        assert hashlib.sha256(graph).hexdigest() == TASKS[self.name].weights_sha256
        facts = {entry.key: entry.value for entry in onnx.load_from_string(graph).metadata_props}
        assert facts["task"] == self.name and facts["precision"] == "int8"
        assert facts["checkpoint_sha256"] == TASKS[self.name].checkpoint_sha256
        assert tuple(json.loads(facts["labels"])) == TASKS[self.name].labels

    def test_the_graph_has_at_most_five_megabytes_and_every_weight_file_sixteen(self, folder: Path) -> None:
        sizes = {file.name: file.stat().st_size for file in (folder / "models").iterdir()}
        assert {"model.onnx", "model.pt", "model.trust"} <= sizes.keys() and max(sizes.values()) <= 16 << 20
        assert sizes["model.onnx"] <= 5_000_000
