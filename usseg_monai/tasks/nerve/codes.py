"""Codes of the brachial plexus."""

from usseg_monai.tasks.codes import Code, Coded, TaskCodes

__all__ = ["CODES"]

CODES = TaskCodes(
    category=Code("91723000", "SCT", "Anatomical Structure"),  # CID 7150
    structure=Code("36582005", "SCT", "Brachial plexus"),  # CID 8134
    region=Code("45048000", "SCT", "Neck"),  # CID 4030
    columns={
        "area_mm2": Coded(Code("42798000", "SCT", "Area")),  # CID 218
        "equivalent_diameter_mm": Coded(Code("81827009", "SCT", "Diameter")),  # CID 218
    },
    uncoded=("presence_probability",),
)
