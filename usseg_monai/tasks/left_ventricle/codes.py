"""Codes of the left ventricle."""

from usseg_monai.tasks.codes import Code, Coded, TaskCodes

__all__ = ["CODES"]

CODES = TaskCodes(
    category=Code("91723000", "SCT", "Anatomical Structure"),  # CID 7150
    structure=Code("87878005", "SCT", "Left ventricle"),  # CID 4030; no context group has its cavity, so labels say it in words
    region=Code("80891009", "SCT", "Heart"),  # CID 4030
    columns={
        "area_mm2": Coded(Code("42798000", "SCT", "Area")),  # CID 218
        "equivalent_diameter_mm": Coded(Code("81827009", "SCT", "Diameter")),  # CID 218
        "end_diastolic_volume_ml": Coded(Code("8821-1", "LN", "Left Ventricular ED Volume")),  # CID 3468
        "end_systolic_volume_ml": Coded(Code("8823-7", "LN", "Left Ventricular ES Volume")),  # CID 3469
        "stroke_volume_ml": Coded(Code("90096001", "SCT", "Stroke Volume")),  # CID 12200
        "ejection_fraction_percent": Coded(Code("8811-2", "LN", "Left ventricular ejection fraction by MR")),  # CID 3833
        "mass_g": Coded(Code("18087-7", "LN", "Left Ventricle Mass")),  # CID 12203
    },
    uncoded=("slice_distance_mm",),
)
