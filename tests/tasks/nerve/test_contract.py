"""The task and its bundle keep what every one promises."""

from tests.contracts.bundle import BundleContract
from tests.contracts.task import TaskContract


class TestNerve(TaskContract):
    name = "nerve"


class TestNerveBundle(BundleContract):
    name = "nerve"
