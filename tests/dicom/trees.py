"""Trees of reports as text, one line per content item, to be compared with those kept in ``golden/``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset

GOLDEN = Path(__file__).parent / "golden"


def tree(dataset: Dataset, depth: int = 0) -> Iterator[str]:
    """Relationship, type, concept, and value of each item; of codes the scheme and value; of identifiers only that they are there."""
    kind = dataset.ValueType
    parts = [dataset.get("RelationshipType", "root"), kind]
    parts += [_code(item) for item in dataset.get("ConceptNameCodeSequence", ())]
    if kind == "CONTAINER":
        parts += [f"TID {item.TemplateIdentifier}" for item in dataset.get("ContentTemplateSequence", ())]
    elif kind == "CODE":
        parts.append(f"= {_code(dataset.ConceptCodeSequence[0])}")
    elif kind == "NUM":
        value = dataset.MeasuredValueSequence[0]
        parts.append(f"= {value.NumericValue} {value.MeasurementUnitsCodeSequence[0].CodeValue}")
    elif kind == "TEXT":
        parts.append(f"= {dataset.TextValue}")
    elif kind == "IMAGE":
        parts += [f"frame {item.ReferencedFrameNumber}" for item in dataset.ReferencedSOPSequence if "ReferencedFrameNumber" in item]
    elif kind == "SCOORD":
        parts.append(f"= {dataset.GraphicType}, {len(dataset.GraphicData) // 2} points")
    yield "  " * depth + " ".join(map(str, parts))
    for item in dataset.get("ContentSequence", ()):
        yield from tree(item, depth + 1)


def _code(item: Dataset) -> str:
    return f"({item.CodeValue}, {item.CodingSchemeDesignator}, {item.CodeMeaning})"
