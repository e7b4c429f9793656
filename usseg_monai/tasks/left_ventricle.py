"""Left ventricle in cine MRI: the cavity in short-axis slices, and volumes of whole stacks."""

from usseg_monai.tasks.record import Column, Task

LEFT_VENTRICLE = Task(
    name="left_ventricle",
    title="Left ventricle in short-axis cine MRI: cavity area, of stacks EDV, ESV, ejection fraction, mass",
    modality="MR",
    labels=("background", "left ventricle cavity"),
    columns=(
        Column("area_mm2", "cavity within the endocardium, papillary muscles included"),
        Column("equivalent_diameter_mm", "diameter of the disc of that area"),
        Column("area_px", "as area_mm2, in pixels"),
        Column("equivalent_diameter_px", "as equivalent_diameter_mm, in pixels; empty where pixels are not square"),
        Column("center_row_px", "centre of the cavity, row"),
        Column("center_col_px", "centre of the cavity, column"),
    ),
    measurement="usseg_monai.measurements.left_ventricle:measure",
    bundle="left_ventricle",
    weights_license="Apache-2.0 (trained on the Sunnybrook Cardiac Data, Radau et al. 2009, CC0 1.0)",
    weights_sha256="0085fabfeadd50cec1b6968c2c4ca9cb01122948940e65a5c687ad9b8f9d748b",
    checkpoint_sha256="14ca3bc443c0b9ff9fa1f730a548efc3d375d0bb298e82107a3f540f1376edf0",
    trust_sha256="ff6c87ec1ea2db9dc3ff6d1d05c528425b570a456d8638bc277990db509b1364",
    low_confidence=0.8,
    study="usseg_monai.inference.left_ventricle_study:sum_up",
    study_columns=(
        Column("end_diastolic_volume_ml", "largest volume of the heart beat, sum of slices"),
        Column("end_systolic_volume_ml", "smallest volume of the heart beat"),
        Column("stroke_volume_ml", "EDV - ESV"),
        Column("ejection_fraction_percent", "100 x (EDV - ESV) / EDV"),
        Column("mass_g", "myocardium between epicardial contours and cavity, 1.05 g/ml; only with --epicardium"),
        Column("end_diastole_phase", "index of the phase with the largest volume, from 0"),
        Column("end_systole_phase", "index of the phase with the smallest volume, from 0"),
        Column("slices", "positions in the stack"),
        Column("phases", "phases of the heart beat"),
        Column("slice_distance_mm", "between neighbouring slices, from their positions"),
    ),
)
