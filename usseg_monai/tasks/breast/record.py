"""Breast lesions in ultrasound: outline and shape of each, and the class of the whole image. Never a BI-RADS category."""

from usseg_monai.tasks.record import Column, Task

__all__ = ["BREAST"]

_SHAPE = (
    Column("area_mm2", "pixels of the lesion; holes do not count"),
    Column("long_axis_mm", "longest diameter of the lesion"),
    Column("short_axis_mm", "extent at right angles to it"),
    Column("width_mm", "extent along the rows of the picture, parallel to the skin"),
    Column("depth_mm", "extent down the columns of the picture, along the beam"),
    Column("area_px", "as area_mm2, in pixels"),
    Column("long_axis_px", "as long_axis_mm, in pixels; empty where pixels are not square, as the next one"),
    Column("short_axis_px", "as short_axis_mm, in pixels"),
    Column("width_px", "as width_mm, in pixels"),
    Column("depth_px", "as depth_mm, in pixels"),
    Column("depth_width_ratio", "depth / width"),
    Column("taller_than_wide", "yes where depth / width is above 1, else no"),
    Column("circularity_ratio", "4 pi area / perimeter²; 1 for a disc"),
    Column("solidity_ratio", "pixels / pixels within the convex hull; 1 for a shape without dents or holes"),
    Column("normalized_circumference_ratio", "perimeter / perimeter of the ellipse of the same moments; 1 for an ellipse"),
    Column("roughness_ratio", "standard deviation of the outline's radius in units of the ellipse of the same moments; 0 for an ellipse"),
    Column("lobulations", "dents of the outline, deeper than 3 % of the equivalent diameter and than 1.5 pixels"),
    Column("angle_deg", "long axis against the columns' direction, counter-clockwise as seen, -90 < angle <= 90"),
    Column("center_row_px", "centre of the lesion (mean of its pixels), row"),
    Column("center_col_px", "centre of the lesion (mean of its pixels), column"),
)

BREAST = Task(
    name="breast",
    title="Breast lesions in ultrasound: outline, size, shape, and probabilities of normal, benign, malignant",
    modality="US",
    labels=("background", "lesion"),
    columns=(
        Column("normal_probability", "that the picture shows no lesion, 0 to 1, as the network says, calibrated"),
        Column("benign_probability", "that it shows a benign lesion; likewise"),
        Column("malignant_probability", "that it shows a malignant lesion; likewise"),
        Column("predicted_class", "the most probable of the three; no diagnosis and no BI-RADS category"),
        Column("lesion_count", "number of lesions outlined"),
        Column("total_area_mm2", "of all lesions"),
        Column("total_area_px", "as total_area_mm2, in pixels"),
        *_SHAPE,
    ),
    measurement="usseg_monai.tasks.breast.measure:measure",
    bundle="breast",
    weights_license="research only, with citation (trained on BUSI, which states no licence, BUS-BRA, own permissive licence, and BrEaST, "
    "CC BY 4.0)",
    weights_redistributable=False,
    weights_sha256="2fb7ed70ef1648ca9688d2becf675d332b3dcab9d0089bca0d4bbafd1055bfb2",
    checkpoint_sha256="deb91a399f540a58b066a3f963427ffce06f86122472e8b98af463e1630c05db",
    trust_sha256="31efc1e6fb541c55eb8e13702994ee57258ab5bf0e4e7c77ee15aeeda6fbb294",
    codes="usseg_monai.tasks.breast.codes:CODES",
    showcase="usseg_monai.tasks.breast.showcase:BREAST",
    low_confidence=0.5,
    outputs=("normal_probability", "benign_probability", "malignant_probability"),
    classes=("normal", "benign", "malignant"),
    part_name="lesion",
    part_columns=_SHAPE,
)
