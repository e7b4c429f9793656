"""Measure a mask from elsewhere; no network is involved. Here it is a phantom's, whose circumference is known."""

from usseg_monai.tasks.fetal_head.measure import measure
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

phantom = fetal_head_phantom(seed=3)
measurement = measure(phantom.mask, phantom.image.spacing_mm)
truth = phantom.truth["head_circumference_mm"]
print(f"measured {measurement.values['head_circumference_mm']:.1f} mm, true {truth:.1f} mm")
