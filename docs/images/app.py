"""Make the picture of docs/app.md: the page with a head of HC18 (CC BY 4.0), corrected by its ellipse. Needs Chromium and playwright.

python docs/images/app.py
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).with_name("app.png")
SIZE = {"width": 1180, "height": 800}

server = subprocess.Popen([sys.executable, "-m", "usseg_monai", "app", "--no-browser"], stdout=subprocess.PIPE, text=True)
try:
    assert server.stdout is not None
    (address,) = re.findall(r"http\S+", server.stdout.readline())
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIZE["width"], "height": SIZE["height"]})
        page.goto(address)
        page.click('[data-sample="fetal_head/hc18"]')
        page.wait_for_selector(".thumb >> nth=3")
        page.click(".thumb >> nth=2")
        page.wait_for_timeout(1500)
        page.click('[data-tool="axes"]')
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURE)
        browser.close()
finally:
    server.terminate()
    server.wait()
