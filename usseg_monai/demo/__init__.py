"""``usseg demo``: real samples if their licence allows redistribution, and phantoms with known truth. Nothing here needs torch.

The content for a task is its showcase (`usseg_monai.tasks.showcase`), named in the task's record.
"""

from usseg_monai.tasks import TASKS, load
from usseg_monai.tasks.showcase import Showcase

__all__ = ["SHOWCASES"]

SHOWCASES: dict[str, Showcase] = {task.name: load(task.showcase) for task in TASKS.values() if task.showcase}
