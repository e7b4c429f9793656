"""What ``usseg demo`` shows of each task: real samples where a licence allows to hand them on, and phantoms of known truth.

A task's showcase is one module here; a task without one, or that is not registered, does not show. Nothing here needs torch.
"""

from usseg_monai.demo.breast import BREAST
from usseg_monai.demo.fetal_head import FETAL_HEAD
from usseg_monai.demo.left_ventricle import LEFT_VENTRICLE
from usseg_monai.demo.nerve import NERVE
from usseg_monai.demo.showcase import Group, Sample, Showcase

__all__ = ["SHOWCASES", "Group", "Sample", "Showcase"]

SHOWCASES: dict[str, Showcase] = {showcase.task: showcase for showcase in (FETAL_HEAD, NERVE, BREAST, LEFT_VENTRICLE)}
