"""Codes of the fetal head."""

from usseg_monai.tasks.codes import OWN_SCHEME, Code, Coded, TaskCodes

__all__ = ["CODES"]

_AGE = Code("18185-9", "LN", "Gestational Age")  # CID 12019

CODES = TaskCodes(
    category=Code("91723000", "SCT", "Anatomical Structure"),  # CID 7150
    structure=Code("69536005", "SCT", "Head"),  # CID 4030; no context group has the head of a fetus, so the subject says it
    region=None,
    columns={
        "head_circumference_mm": Coded(Code("11984-2", "LN", "Head Circumference")),  # CID 12005, as the next two
        "biparietal_diameter_mm": Coded(Code("11820-8", "LN", "Biparietal Diameter")),
        "occipitofrontal_diameter_mm": Coded(Code("11851-3", "LN", "Occipital-Frontal Diameter")),
        "cephalic_index_percent": Coded(Code("11823-2", "LN", "Cephalic Index")),  # CID 12004
        "gestational_age_hadlock_weeks": Coded(_AGE, Code("11932-1", "LN", "HC, Hadlock 1984")),  # CID 12013
        "gestational_age_intergrowth_weeks": Coded(_AGE, Code("HC_INTERGROWTH", OWN_SCHEME, "HC, INTERGROWTH-21st")),
    },
    uncoded=("angle_deg", "gestational_age_hadlock_error_weeks", "gestational_age_intergrowth_error_weeks"),
    fetus=True,
    biometry={"head_circumference_mm": "gestational_age_hadlock_weeks", "biparietal_diameter_mm": "", "occipitofrontal_diameter_mm": ""},
    ratios=("cephalic_index_percent",),
)
