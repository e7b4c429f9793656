"""Draw the Mermaid diagrams of the pages as SVG, so that the site needs no script from elsewhere. Needs Chromium and Mermaid itself:

npm pack mermaid@11 && tar xzf mermaid-*.tgz package/dist/mermaid.min.js
python docs/diagrams.py package/dist/mermaid.min.js
"""

import argparse
import hashlib
import json
import re
import subprocess
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
BLOCK = re.compile(r"^```mermaid\n(.*?)^```", re.DOTALL | re.MULTILINE)

_PAGE = """<!doctype html><body><script src="{script}"></script><script>
mermaid.initialize({{startOnLoad: false, theme: "neutral", htmlLabels: false, flowchart: {{htmlLabels: false}}}});
mermaid.render("diagram", {source}).then(drawn => {{ document.body.innerHTML = drawn.svg; }});
</script></body>"""


def drawing(page: Path, number: int) -> Path:
    """The file of a page's diagram, counted from 1."""
    return DOCS / "images" / "diagrams" / f"{page.stem}_{number}.svg"


def mark(source: str) -> str:
    """What the file of a diagram begins with: tells whether it was drawn from this text."""
    return f"<!-- drawn by docs/diagrams.py from {hashlib.sha256(source.encode()).hexdigest()[:16]} -->"


def draw(source: str, mermaid: Path, browser: str) -> str:
    """A diagram as SVG, on white.

    Raises:
        SystemExit: Mermaid drew nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(_PAGE.format(script=mermaid.resolve().as_uri(), source=json.dumps(source)), encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r"<svg.*</svg>", shown, re.DOTALL)
    if not found:
        raise SystemExit("diagrams: Mermaid drew nothing: check the diagram's text")
    svg = found[0].replace("<br>", "<br/>").replace("&nbsp;", " ")
    return re.sub(r'style="', 'style="background-color: white; ', svg, count=1)


def main() -> None:
    """Draw all diagrams of all pages."""
    parser = argparse.ArgumentParser(description="Draw the Mermaid diagrams of the documentation.")
    parser.add_argument("mermaid", type=Path, help="mermaid.min.js")
    parser.add_argument("--browser", default="chromium", help="program that draws (default: %(default)s)")
    args = parser.parse_args()
    for page in sorted(DOCS.rglob("*.md")):
        for number, source in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), start=1):
            target = drawing(page, number)
            target.parent.mkdir(exist_ok=True)
            target.write_text(f"{mark(source)}\n{draw(source, args.mermaid, args.browser)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
