"""What every member of a kind promises: one class per kind. The tests of a member are a subclass of three lines that names it."""

import pytest

for kind in ("bundle", "dataset", "format", "network", "task"):
    pytest.register_assert_rewrite(f"tests.contracts.{kind}")
