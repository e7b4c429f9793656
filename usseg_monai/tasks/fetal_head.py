"""Fetal head in ultrasound: outline, circumference and what follows from it."""

from usseg_monai.tasks.record import Column, Task

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
    measurement="usseg_monai.measurements.fetal_head:measure",
    bundle="fetal_head",
    weights_license="CC BY 4.0 (trained on HC18, van den Heuvel et al. 2018)",
    weights_sha256="a97393c24ad374357d9fe52421872a4c77077ad9e96589ef333dc2dad31bdda5",
    checkpoint_sha256="857195bb27af69fd46ae0a8eb8a58e1a23d64d56ac3094d66eed0227a5cbfd81",
    trust_sha256="24a1dfc2cbd79e7b24664011130bae4e7bfafdf572a260d1d97c2635b6b8fe73",
    low_confidence=0.9,
)
