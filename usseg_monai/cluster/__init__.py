"""Runs on clusters: workers on several machines process the images of one run (extra ``ray``).

>>> from usseg_monai import predict_folder
>>> predict_folder("fetal_head", "images", "results", on=parse_on("ray"), threads=4)  # doctest: +SKIP
"""

from __future__ import annotations

import re

from usseg_monai.cluster.ray import Ray
from usseg_monai.errors import UsageError, quoted

__all__ = ["Ray", "parse_on"]

_RAY = re.compile(r"ray(?::(?P<address>(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})))?")


def parse_on(text: str) -> Ray:
    """The cluster that a text names: ``ray``, workers on this machine; ``ray:HOST:PORT``, those of a running Ray cluster.

    Raises:
        UsageError: the text is neither.

    >>> parse_on("ray"), parse_on("ray:10.0.0.1:6379")
    (Ray(address=None), Ray(address='10.0.0.1:6379'))
    """
    found = _RAY.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        raise UsageError(
            f"--on {quoted(text)}: give ray, for workers on this machine, or ray:HOST:PORT, for those of a running Ray cluster"
        )
    return Ray(found["address"])
