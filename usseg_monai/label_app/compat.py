"""Cures the import faults of MONAI Label 0.8.5 in an environment that holds only what this app uses; the one place for them.

MONAI Label imports at its start packages for data stores, formats and models that this app never touches: together more than a gigabyte,
and some no longer exist for today's Python and NumPy. `install` lets its modules, and nobody else, import an empty package under their
names. A package that is installed always wins.

`main` is MONAI Label's own command line with these cures: ``python -m usseg_monai.label_app.compat start_server --app ...``. An app's
``main.py`` calls `install` first, because MONAI Label runs training and batches in processes of their own that import it afresh.

Remove this module when a release of MONAI Label starts without the packages in `ABSENT`, and with pydicom 3.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["ABSENT", "install", "main"]

ABSENT = ("dicomweb_client", "girder_client", "google", "itk", "nrrd", "pydicom_seg", "shapely", "SimpleITK", "skimage", "torchvision")
"""Packages that MONAI Label imports without a condition, and that nothing here calls."""


class _Absent(ModuleType):
    """An empty package: its attributes are classes without content, enough for ``from x import Y`` and as a base class."""

    __path__: list[str] = []  # noqa: RUF012 (what makes a module a package)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _Pictures(_Absent):
    """The three functions of ITK with which MONAI Label's own writer saves a 2-D mask, for its stock apps."""

    @staticmethod
    def image_from_array(array: Any) -> Any:
        return np.asarray(array)

    @staticmethod
    def size(array: Any) -> tuple[int, ...]:
        return tuple(reversed(array.shape))

    @staticmethod
    def imwrite(array: Any, file: str, compression: bool = False) -> None:
        from PIL import Image

        Image.fromarray(array).save(file)


class _Finder(MetaPathFinder, Loader):
    """Stands last in ``sys.meta_path``: asked only for what no other finder knows."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] in ABSENT and _asked_by_monailabel():
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return (_Pictures if spec.name == "itk" else _Absent)(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def _asked_by_monailabel() -> bool:
    """Whether the import that is being resolved stands in a module of MONAI Label."""
    frame = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(("importlib", __name__)):
            return name.partition(".")[0] == "monailabel"
        frame = frame.f_back  # type: ignore[assignment] # None ends the loop
    return False


def install() -> None:
    """Let MONAI Label import what is absent; harmless if called again."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
    moved = "pydicom._storage_sopclass_uids"  # pydicom 3 has its content in pydicom.uid; the real pydicom-seg imports it from here
    if importlib.util.find_spec("pydicom") and moved not in sys.modules:
        import pydicom.uid

        sys.modules[moved] = pydicom.uid


def main() -> None:
    """Run MONAI Label's command line."""
    install()
    from monailabel.main import Main

    Main().run()


if __name__ == "__main__":
    from usseg_monai.label_app import compat  # the module under its own name: the app imports it too

    compat.main()
