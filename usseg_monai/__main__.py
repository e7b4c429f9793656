"""``python -m usseg_monai``, for where the command ``usseg`` is not on the path."""

from usseg_monai.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
