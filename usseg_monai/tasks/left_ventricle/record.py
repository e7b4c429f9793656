"""Left ventricle in cine MRI: the cavity in short-axis slices, and volumes of whole stacks."""

from usseg_monai.tasks.record import Column, Option, Task

__all__ = ["LEFT_VENTRICLE"]

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
    measurement="usseg_monai.tasks.left_ventricle.measure:measure",
    bundle="left_ventricle",
    weights_license="Apache-2.0 (trained on the Sunnybrook Cardiac Data, Radau et al. 2009, CC0 1.0)",
    weights_redistributable=True,
    weights_sha256="8d27685856e3909378e93b43fd8073cc9d600d2b17d2ed16b99a8fa5134d4ffb",
    checkpoint_sha256="a47a420cdea351500c945376dbd71c88c80b4d4e9227f8c44c7d9b59b8bdec1d",
    trust_sha256="236f09f946319c5247cfb000aff2e9a618d23d2375f3d2e6d418d3e549cabed3",
    codes="usseg_monai.tasks.left_ventricle.codes:CODES",
    showcase="usseg_monai.tasks.left_ventricle.showcase:LEFT_VENTRICLE",
    low_confidence=0.8,
    patient="usseg_monai.tasks.left_ventricle.patient:compare_patient",
    study="usseg_monai.tasks.left_ventricle.study:STUDY",
    study_title="volumes, ejection fraction and volume curve of stacks (DICOM, NIfTI)",
    study_files=("_areas.csv", "_volumes.csv", "_volume.png"),
    options=(Option("epicardium", "epicardial contours of one stack, as text files, for its mass"),),
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
