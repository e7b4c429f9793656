"""The app that MONAI Label loads. It is copied to a work folder: the server writes beside it."""

from usseg_monai.label_app.compat import install

install()

from usseg_monai.label_app.server.app import UssegApp  # noqa: E402 (the cures come first)

__all__ = ["UssegApp"]
