"""The task and its bundle keep what every one promises."""

from tests.contracts.bundle import BundleContract
from tests.contracts.task import TaskContract


class TestLeftVentricle(TaskContract):
    name = "left_ventricle"


class TestLeftVentricleBundle(BundleContract):
    name = "left_ventricle"
