"""Brachial plexus in ultrasound of the neck: presence, outline, place and size."""

from usseg_monai.tasks.record import Column, Task

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
    measurement="usseg_monai.measurements.nerve:measure",
    bundle="nerve",
    weights_license="research only, not to be redistributed (trained on Kaggle's Ultrasound Nerve Segmentation, 2016, under its rules)",
    weights_sha256="c6e7867bd663aa294aaecfb7ca56d2372c27243cc797201c2e81e78c2ee7f1d1",
    checkpoint_sha256="ac394cdfdd86fe0e9f488346abd74436447a0565d0c0b7e66ecaabef806b2568",
    trust_sha256="fa4e5ca49806f12be717a061b3b490fb45920405574defbb9462c21e5f620ac4",
    low_confidence=0.5,
    outputs=("presence_probability",),
)
