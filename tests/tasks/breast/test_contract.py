"""The task and its bundle keep what every one promises."""

from tests.contracts.bundle import BundleContract
from tests.contracts.task import TaskContract


class TestBreast(TaskContract):
    name = "breast"


class TestBreastBundle(BundleContract):
    name = "breast"
