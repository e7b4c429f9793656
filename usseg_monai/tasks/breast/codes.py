"""Codes of breast lesions."""

from usseg_monai.tasks.codes import Code, Coded, TaskCodes

__all__ = ["CODES"]

CODES = TaskCodes(
    category=Code("49755003", "SCT", "Morphologically Abnormal Structure"),  # CID 7150
    structure=Code("52988006", "SCT", "Lesion"),  # CID 7159
    region=Code("76752008", "SCT", "Breast"),  # CID 4030
    columns={
        "malignant_probability": Coded(Code("111047", "DCM", "Probability of cancer"), scale=100),  # CID 6048
        "area_mm2": Coded(Code("42798000", "SCT", "Area")),  # CID 218, as the next four
        "long_axis_mm": Coded(Code("103339001", "SCT", "Long axis")),
        "short_axis_mm": Coded(Code("103340004", "SCT", "Short axis")),
        "width_mm": Coded(Code("103355008", "SCT", "Width")),
        "depth_mm": Coded(Code("131197000", "SCT", "Depth")),
    },
    uncoded=(
        "normal_probability",
        "benign_probability",
        "total_area_mm2",
        "depth_width_ratio",
        "circularity_ratio",
        "solidity_ratio",
        "normalized_circumference_ratio",
        "roughness_ratio",
        "angle_deg",
    ),
)
