"""Recipes are laid over the bundles' own configs, and tested as these are."""

from __future__ import annotations

from tests.bundles.conftest import bundle, datalist, foreign, images, start, task

__all__ = ["bundle", "datalist", "foreign", "images", "start", "task"]
