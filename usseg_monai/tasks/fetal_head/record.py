"""Fetal head in ultrasound: outline, circumference and derived values."""

from usseg_monai.tasks.record import Column, Task

__all__ = ["FETAL_HEAD"]

FETAL_HEAD = Task(
    name="fetal_head",
    title="Fetal head in ultrasound: head circumference, BPD, OFD, cephalic index, gestational age",
    modality="US",
    labels=("background", "fetal head"),
    columns=(
        Column("head_circumference_mm", "perimeter of the fitted ellipse (Ramanujan II), outer border of the skull"),
        Column("biparietal_diameter_mm", "short axis of the fitted ellipse, outer to outer"),
        Column("occipitofrontal_diameter_mm", "long axis of the fitted ellipse, outer to outer"),
        Column("cephalic_index_percent", "100 x BPD / OFD"),
        Column("head_circumference_px", "as head_circumference_mm, in pixels; empty where pixels are not square"),
        Column("biparietal_diameter_px", "as biparietal_diameter_mm, in pixels; empty where pixels are not square"),
        Column("occipitofrontal_diameter_px", "as occipitofrontal_diameter_mm, in pixels; empty where pixels are not square"),
        Column("center_row_px", "centre of the ellipse, row"),
        Column("center_col_px", "centre of the ellipse, column"),
        Column("angle_deg", "long axis against the columns' direction, counter-clockwise as seen, -90 < angle <= 90"),
        Column("gestational_age_hadlock_weeks", "from HC, Hadlock 1984"),
        Column("gestational_age_hadlock_error_weeks", "two standard deviations of that formula at that age"),
        Column("gestational_age_intergrowth_weeks", "from HC, INTERGROWTH-21st"),
        Column("gestational_age_intergrowth_error_weeks", "two standard deviations of that formula at that age"),
    ),
    measurement="usseg_monai.tasks.fetal_head.measure:measure",
    bundle="fetal_head",
    weights_license="CC BY 4.0 (trained on HC18, van den Heuvel et al. 2018)",
    weights_redistributable=True,
    weights_sha256="e7d8782ab5c371387551ca5f4a0d9ccd4ffde61532316a44234bd5505745e846",
    checkpoint_sha256="8bb535c8b0e1fe78f9d32eef584b19a721ba78d1ae571eeeb8bca76d8aac24b0",
    trust_sha256="89388e813171bc9035b1b518bab4788e3397a4b4ef6cd0c583030b26927edaae",
    codes="usseg_monai.tasks.fetal_head.codes:CODES",
    showcase="usseg_monai.tasks.fetal_head.showcase:FETAL_HEAD",
    low_confidence=0.9,
    clip="usseg_monai.tasks.fetal_head.clip:CLIP",
    clip_columns=(
        Column("best_frame", "frame with the best score, counted from 0"),
        Column("best_score", "its score, 0 to 1: confidence, plane and size"),
        Column("best_frames", "frames nearly as good"),
        Column("head_circumference_mm", "of the best frame"),
        Column("head_circumference_median_mm", "median over the frames nearly as good"),
        Column("head_circumference_iqr_mm", "range of the middle half of these circumferences; empty for fewer than 3"),
        Column("head_circumference_px", "as head_circumference_mm, in pixels"),
        Column("head_circumference_median_px", "as head_circumference_median_mm, in pixels"),
        Column("head_circumference_iqr_px", "as head_circumference_iqr_mm, in pixels"),
    ),
    clip_frame_columns=(
        Column("confidence", "expected Dice of the mask"),
        Column("plane", "resemblance to the standard plane, 0 to 1"),
        Column("size", "circumference over the largest of the clip, 0 to 1"),
        Column("score", "their product, confidence squared"),
        Column("head_circumference_mm", "as in the results table"),
        Column("head_circumference_px", "as in the results table"),
    ),
    mask_of_axes="usseg_monai.tasks.fetal_head.measure:mask_of_axes",
)
