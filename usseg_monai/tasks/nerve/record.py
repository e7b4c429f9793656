"""Brachial plexus in ultrasound of the neck: presence, outline, place and size."""

from usseg_monai.tasks.record import Column, Task

__all__ = ["NERVE"]

NERVE = Task(
    name="nerve",
    title="Brachial plexus in ultrasound of the neck: presence, area, diameter, place",
    modality="US",
    labels=("background", "nerve"),
    columns=(
        Column("presence_probability", "that the picture shows the nerve, 0 to 1, as the network says"),
        Column("area_mm2", "the nerve with the connective tissue between its parts"),
        Column("equivalent_diameter_mm", "diameter of the disc of that area"),
        Column("area_px", "as area_mm2, in pixels"),
        Column("equivalent_diameter_px", "as equivalent_diameter_mm, in pixels; empty where pixels are not square"),
        Column("center_row_px", "centre of the nerve (mean of its pixels), row"),
        Column("center_col_px", "centre of the nerve (mean of its pixels), column"),
        Column("first_row_px", "bounding box, uppermost row of the nerve, counted from 0"),
        Column("last_row_px", "bounding box, lowest row of the nerve"),
        Column("first_col_px", "bounding box, leftmost column of the nerve, counted from 0"),
        Column("last_col_px", "bounding box, rightmost column of the nerve"),
    ),
    measurement="usseg_monai.tasks.nerve.measure:measure",
    bundle="nerve",
    weights_license="research only, not to be redistributed (trained on Kaggle's Ultrasound Nerve Segmentation, 2016, under its rules)",
    weights_redistributable=False,
    weights_sha256="9b38725cd5391892656663126713073b199d1e2ccc9e28b4030c72f1b5e3b56f",
    checkpoint_sha256="7850778cb04764b09afa4715425c8f325b5362a8e8112076b6c309bf9c581afb",
    trust_sha256="e5f8b5f1fb2aef6c96f75fe3bd6eec62d0bab03d71bb672e8d98e31ee446f433",
    submission="usseg_monai.tasks.nerve.kaggle:KAGGLE",
    codes="usseg_monai.tasks.nerve.codes:CODES",
    showcase="usseg_monai.tasks.nerve.showcase:NERVE",
    low_confidence=0.5,
    clip="usseg_monai.tasks.nerve.clip:CLIP",
    clip_columns=(
        Column("found", "frames in which the nerve was seen"),
        Column("bridged", "frames in short gaps that were bridged between their neighbours"),
        Column("missing", "all other frames"),
        Column("area_median_mm2", "median of area_mm2 over the frames in which it was seen"),
        Column("area_iqr_mm2", "range of the middle half of these areas"),
        Column("area_median_px", "as area_median_mm2, in pixels"),
        Column("area_iqr_px", "as area_iqr_mm2, in pixels"),
    ),
    clip_frame_columns=(
        Column("bridged", "1 where the numbers are those of a mask between the neighbours', 0 elsewhere"),
        Column("area_mm2", "as in the results table; of bridged frames that of the mask between"),
        Column("area_px", "as area_mm2, in pixels"),
        Column("center_row_px", "centre of the nerve, row"),
        Column("center_col_px", "centre of the nerve, column"),
    ),
    outputs=("presence_probability",),
)
