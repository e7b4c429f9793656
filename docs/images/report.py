"""Make the picture of docs/index.md: the page of a run over the heads of the samples (HC18, CC BY 4.0). Needs Chromium and playwright.

python docs/images/report.py
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

from usseg_monai.tasks.fetal_head.showcase import SAMPLES

PICTURE = Path(__file__).with_name("report.png")

with TemporaryDirectory() as folder:
    table = ["--spacing-csv", str(SAMPLES / "pixel_size_and_HC.csv")]
    command = [sys.executable, "-m", "usseg_monai", "predict", "fetal_head", str(SAMPLES), "-o", f"{folder}/out", "--report", "-q", *table]
    subprocess.run(command, check=True)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 900})
        page.goto(Path(folder, "out", "report.html").as_uri())
        page.screenshot(path=PICTURE)
        browser.close()
with Image.open(PICTURE) as picture:
    picture.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
