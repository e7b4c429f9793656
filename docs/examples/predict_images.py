"""Measure the sample images from Python and print a line each."""

from importlib.resources import files
from pathlib import Path

from usseg_monai import Predictor
from usseg_monai.imaging.spacing import read_spacing_csv

samples = Path(str(files("usseg_monai") / "tasks" / "fetal_head" / "samples"))
spacings = read_spacing_csv(next(samples.glob("*.csv")))
predictor = Predictor("fetal_head")
for path in sorted(samples.glob("*HC.png")):
    prediction = predictor.predict(path, spacing_mm=spacings[path.name])
    print(path.name, prediction.status.value, f"{prediction.measurements['head_circumference_mm']:.1f} mm")
