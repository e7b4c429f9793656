"""The task and its bundle keep what every one promises."""

from tests.contracts.bundle import BundleContract
from tests.contracts.task import TaskContract


class TestFetalHead(TaskContract):
    name = "fetal_head"


class TestFetalHeadBundle(BundleContract):
    name = "fetal_head"
