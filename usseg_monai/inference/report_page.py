"""One HTML page of pictures and numbers, for people.

The page holds everything it shows (pictures as data, outlines as vectors, no script) and opens from a file, without a server.
It has a chapter a task, and knows a task only by its record, so that every chapter has the same form.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from usseg_monai.imaging.boundary import boundaries
from usseg_monai.imaging.image import GreyImage
from usseg_monai.inference.report import Case, Chapter, Figure, Report, Section, Tolerance
from usseg_monai.measurements.result import Status, Value
from usseg_monai.tasks import UNITS, Column, Task

__all__ = ["render_report"]

_NAMES = {"hadlock": "Hadlock", "intergrowth": "INTERGROWTH-21st"}
_JPEG_QUALITY = 88


def render_report(report: Report) -> str:
    """Return the page as HTML."""
    body = [
        f"<header><h1>{escape(report.title)}</h1><p class=lead>{escape(report.lead)}</p>",
        "<p class=warning><strong>Not a medical device.</strong> For research only: no decision about a patient may rest on it.</p>",
        _contents(report.chapters),
        "</header>",
        *(_chapter(chapter) for chapter in report.chapters),
        _commands(report.commands),
        _foot(report),
    ]
    return _PAGE.format(title=escape(report.title), style=_STYLE, body="\n".join(part for part in body if part))


def _contents(chapters: Sequence[Chapter]) -> str:
    """Links to the chapters, where there are several."""
    links = "".join(f"<a href='#{chapter.task.name}'>{escape(chapter.title)}</a>" for chapter in chapters)
    return f"<nav>{links}</nav>" if len(chapters) > 1 else ""


def _chapter(chapter: Chapter) -> str:
    task = chapter.task
    columns = {column.name: column for column in task.columns}
    highlights = [columns[name] for name in chapter.highlights]
    notes = "".join(f"<p>{escape(note)}</p>" for note in (*chapter.notes, f"Weights: {task.weights_license}."))
    return "\n".join(
        [
            f"<section class=chapter id='{task.name}'><p class=task>{escape(task.title)}</p><h2>{escape(chapter.title)}</h2>",
            _tiles(chapter.sections, highlights[0], task.outputs if task.classes else ()),
            _table(chapter, highlights[0]),
            *(_section(section, highlights, task) for section in chapter.sections),
            f"<div class=notes>{notes}</div></section>",
        ]
    )


def _tiles(sections: Sequence[Section], main: Column, classes: Sequence[str]) -> str:
    """The chapter in a few large numbers; `classes` are the outputs with class probabilities, if any."""
    tiles = [(str(sum(len(section.cases) for section in sections)), "pictures measured")]
    for section in sections:
        differences = [abs(difference) for case in section.cases if (difference := case.difference(main.name)) is not None]
        if differences:
            label, _ = _label(main.name)
            mean = _quantity(float(np.mean(differences)), main.name)
            tiles.append((mean, f"mean absolute difference of {_lower(label)}: {_lower(section.title)}"))
        if section.tolerance is not None:
            held = sum(section.tolerance.holds(case) for case in section.cases)
            tiles.append(
                (f"{held} of {len(section.cases)}", f"within {section.tolerance.percent:g} % of the truth: {_lower(section.title)}")
            )
        if known := [case for case in section.cases if _true_class(case, classes)]:
            right = sum(_likeliest_class(case, classes) == _true_class(case, classes) for case in known)
            tiles.append((f"{right} of {len(known)}", f"most probable class is the true one: {_lower(section.title)}"))
    boxes = "".join(f"<div><b>{escape(number)}</b><span>{escape(text)}</span></div>" for number, text in tiles)
    return f"<div class=tiles>{boxes}</div>"


def _table(chapter: Chapter, main: Column) -> str:
    """One row a picture."""
    label, unit = _label(main.name)
    rows = []
    for section in chapter.sections:
        rows.append(f"<tr class=group><th colspan=6 scope=rowgroup>{escape(section.title)}</th></tr>")
        for case in section.cases:
            difference, true = case.difference(main.name), case.truth.get(main.name)
            percent = None if difference is None or not true else 100 * difference / true
            cells = [
                f"<th scope=row><a href='#{_anchor(chapter.task, case)}'>{escape(case.name)}</a></th>",
                f"<td>{_status(case.measurement.status)}</td>",
                _number(case.measurement.values.get(main.name), main.name),
                _number(true, main.name),
                _number(difference, main.name, sign=True),
                f"<td class=number>{'' if percent is None else f'{percent:+.1f} %'}{_mark(section.tolerance, case)}</td>",
            ]
            rows.append(f"<tr>{''.join(cells)}</tr>")
    head = (
        f"<th>Picture<th>Status<th>{escape(label)}{_in_unit(unit)}<th>True value{_in_unit(unit)}<th>Difference{_in_unit(unit)}<th>Relative"
    )
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _section(section: Section, highlights: Sequence[Column], task: Task) -> str:
    figures = "".join(_figure(figure) for figure in section.figures)
    cards = "".join(_card(case, section.tolerance, highlights, task) for case in section.cases)
    return f"<section><h3>{escape(section.title)}</h3><p>{escape(section.text)}</p>{figures}<div class=cards>{cards}</div></section>"


def _figure(figure: Figure) -> str:
    drawing = f"<img src='data:image/png;base64,{_base64(figure.png)}' alt='{escape(figure.title)}'>" if figure.png else ""
    shown = "".join(_value(name, value, figure.truth.get(name)) for name, value in figure.values.items())
    message = f"<p class=message>{escape(figure.message)}</p>" if figure.message else ""
    return f"<article class=figure>{drawing}<div class=text><h4>{escape(figure.title)}</h4>{message}<dl>{shown}</dl></div></article>"


def _card(case: Case, tolerance: Tolerance | None, highlights: Sequence[Column], task: Task) -> str:
    values = case.measurement.values
    shown = "".join(
        _value(column.name, values.get(column.name), case.truth.get(column.name), column.description)
        for column in _one_unit_each(highlights, values)
        if case.measurement.status is not Status.EMPTY  # there is nothing to measure
    )
    every = "".join(
        f"<tr title='{escape(column.description)}'><th scope=row>{escape(column.name)}</th>"
        f"{_number(values.get(column.name), column.name)}</tr>"
        for column in task.columns
    )
    message = f"<p class=message>{escape(case.measurement.message)}</p>" if case.measurement.message else ""
    return (
        f"<article id='{_anchor(task, case)}'>{_picture(case)}<div class=text>"
        f"<h4>{escape(case.name)} {_status(case.measurement.status)}{_mark(tolerance, case)}</h4>{message}"
        f"<dl>{shown}</dl>{_bars(case, task)}<details><summary>All values</summary><table>{every}</table></details></div></article>"
    )


def _one_unit_each(columns: Sequence[Column], values: Mapping[str, Value]) -> list[Column]:
    """The columns without those that tell in one unit what another tells in its own: the first known of each stays, else the first.

    >>> columns = [Column(name, "") for name in ("area_mm2", "area_px", "angle_deg")]
    >>> [column.name for column in _one_unit_each(columns, {"area_px": 12})]
    ['area_px', 'angle_deg']
    """
    alike: dict[str, list[Column]] = {}
    for column in columns:
        alike.setdefault(_label(column.name)[0], []).append(column)
    return [next((column for column in same if values.get(column.name) is not None), same[0]) for same in alike.values()]


def _value(name: str, value: Value, true: float | None, description: str = "") -> str:
    label, _ = _label(name)
    text = "not known" if value is None else _quantity(value, name)
    truth = "" if true is None else f" <small>true {_format(true, name)}</small>"
    return f"<div title='{escape(description)}'><dt>{escape(label)}</dt><dd>{escape(text)}{truth}</dd></div>"


def _bars(case: Case, task: Task) -> str:
    """What the network says of the whole image, from 0 to 1."""
    rows = []
    for output in task.outputs:
        value = case.measurement.values.get(output)
        if isinstance(value, (int, float)):
            label, _ = _label(output.removesuffix("_probability"))
            true = " <small>true</small>" if case.truth.get(output) == 1 else ""
            rows.append(
                f"<div><span>{escape(label)}{true}</span><i><b style='width:{100 * min(max(value, 0), 1):.1f}%'></b></i>"
                f"<span class=number>{_format(value, output)}</span></div>"
            )
    return f"<div class=bars>{''.join(rows)}</div>" if rows else ""


def _true_class(case: Case, classes: Sequence[str]) -> str | None:
    """The class that the image is, ``None`` where that is not known."""
    return next((name for name in classes if case.truth.get(name) == 1), None)


def _likeliest_class(case: Case, classes: Sequence[str]) -> str | None:
    """The class of the highest probability, ``None`` where the network said nothing."""
    values = case.measurement.values
    shares = {name: value for name in classes if isinstance(value := values.get(name), float)}
    return max(shares, key=shares.__getitem__) if shares else None


def _picture(case: Case) -> str:
    """Picture with outlines as vectors above it, which vanish under the pointer so that the edge below can be seen."""
    rows, cols = case.image.pixels.shape
    outlines = case.measurement.outlines or (() if case.mask is None else boundaries(case.mask))
    lines = "".join(
        # Outlines count from the centre of the first pixel, the drawing from its corner.
        f"<polygon points='{' '.join(f'{col + 0.5:.1f},{row + 0.5:.1f}' for row, col in outline)}'/>"
        for outline in outlines
    )
    alt = f"{case.name}, {_status_words(case.measurement.status)}"
    return (
        f"<svg viewBox='0 0 {cols} {rows}' role=img aria-label='{escape(alt)}'>"
        f"<image href='data:image/jpeg;base64,{_jpeg(case.image)}' width={cols} height={rows} />{lines}</svg>"
    )


def _jpeg(image: GreyImage) -> str:
    from PIL import Image

    low, high = float(image.pixels.min()), float(image.pixels.max())
    bytes_of_grey = np.rint((image.pixels - low) * (255 / (high - low or 1.0))).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(bytes_of_grey).save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return _base64(buffer.getvalue())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _commands(commands: Iterable[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(purpose)}</dt><dd><code>{escape(command)}</code></dd>" for purpose, command in commands)
    return f"<section><h2>Next</h2><dl class=commands>{items}</dl></section>" if items else ""


def _foot(report: Report) -> str:
    facts = " · ".join(f"{escape(name)} {escape(value)}" for name, value in report.facts)
    return f"<footer><p>{facts}</p></footer>"


# Words and numbers ----------------------------------------------------------------------------------------------------------------


def _label(column: str) -> tuple[str, str]:
    """Words and unit of a column's name.

    >>> _label("head_circumference_mm"), _label("lesion_count")
    (('Head circumference', 'mm'), ('Lesion count', ''))
    """
    words, _, unit = column.rpartition("_")
    if not UNITS.get(unit):
        words, unit = column, ""  # such as a probability, whose name needs its last word
    text = " ".join(_NAMES.get(word, word) for word in words.split("_"))
    return text[:1].upper() + text[1:], UNITS.get(unit, "")


def _lower(text: str) -> str:
    """For the middle of a sentence; names such as HC18 keep their capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _with_unit(unit: str) -> str:
    return unit if unit == "°" else f" {unit}" if unit else ""


def _in_unit(unit: str) -> str:
    return f" <small>{escape(unit)}</small>" if unit else ""


def _quantity(value: Value, column: str) -> str:
    """Value and unit.

    >>> _quantity(251.26, "head_circumference_mm"), _quantity(0.874, "malignant_probability")
    ('251.3 mm', '0.87')
    """
    return _format(value, column) + _with_unit(_label(column)[1])


def _format(value: Value, column: str, *, sign: bool = False) -> str:
    """The value as people read it: numbers without a unit, which are shares and ratios, with two decimals."""
    if not isinstance(value, float):
        return "" if value is None else str(value)
    return f"{value:{'+' if sign else ''}.{1 if _label(column)[1] else 2}f}"


def _number(value: Value, column: str, *, sign: bool = False) -> str:
    return f"<td class=number>{escape(_format(value, column, sign=sign))}</td>"


def _status_words(status: Status) -> str:
    return status.value.replace("_", " ")


def _status(status: Status) -> str:
    kind = {Status.OK: "good", Status.FAILED: "bad", Status.EMPTY: "neutral"}.get(status, "doubtful")
    return f"<span class='badge {kind}'>{_status_words(status)}</span>"


def _mark(tolerance: Tolerance | None, case: Case) -> str:
    if tolerance is None:
        return ""
    if tolerance.holds(case):
        return f" <span class='badge good'>within {tolerance.percent:g} %</span>"
    return f" <span class='badge bad'>not within {tolerance.percent:g} %</span>"


def _anchor(task: Task, case: Case) -> str:
    return f"{task.name}-" + "".join(letter if letter.isalnum() else "-" for letter in case.name)


_STYLE = """
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --text: #16202b; --quiet: #5b6875; --line: #dde2e8; --accent: #0b6bcb;
  --good: #0f7b4d; --good-back: #dcf3e7; --doubt: #8a5a00; --doubt-back: #fcedcc; --bad: #b3261e; --bad-back: #fbe0de; }
@media (prefers-color-scheme: dark) { :root { --page: #0f141a; --card: #182029; --text: #e6ebf1; --quiet: #97a4b2; --line: #2b3642;
  --accent: #6fb3ff; --good: #6ee0a8; --good-back: #12382a; --doubt: #f3c969; --doubt-back: #3d3010; --bad: #ff9c94;
  --bad-back: #45201d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
h1 { font-size: clamp(1.7rem, 4vw, 2.4rem); line-height: 1.15; margin: .2rem 0 .5rem; letter-spacing: -.02em; }
h2 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.2; letter-spacing: -.015em; }
h3 { margin: 2rem 0 .2rem; font-size: 1.15rem; }
h4 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
section > p { margin: .2rem 0; color: var(--quiet); max-width: 50rem; }
.chapter { margin-top: 3rem; padding-top: 2rem; border-top: 2px solid var(--line); scroll-margin-top: 1rem; }
.chapter > .task { color: var(--accent); margin-bottom: .2rem; }
nav { display: flex; flex-wrap: wrap; gap: .5rem; }
nav a { padding: .35rem .9rem; border: 1px solid var(--line); border-radius: 2rem; background: var(--card); font-size: .92rem;
  font-weight: 600; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.task { color: var(--accent); font-weight: 600; font-size: .9rem; margin: 0; }
.lead { font-size: 1.1rem; color: var(--quiet); max-width: 46rem; margin: 0 0 1rem; }
.warning { background: var(--doubt-back); color: var(--doubt); padding: .55rem .9rem; border-radius: .6rem; margin: 0 0 1.5rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .9rem; margin-bottom: 1.4rem; }
.tiles > div, article, .wide { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; }
.tiles > div { padding: .9rem 1.1rem; } .tiles b { display: block; font-size: 1.7rem; line-height: 1.2; }
.tiles span, small, dt, .group th { color: var(--quiet); }
.tiles span { font-size: .88rem; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; padding: .5rem .9rem; font-weight: 400; border-top: 1px solid var(--line); }
thead th { border: 0; color: var(--quiet); font-size: .85rem; } thead th:nth-child(n+3) { text-align: right; }
.group th { font-size: .85rem; font-weight: 600; background: var(--page); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1.2rem; margin-top: 1rem; }
article { overflow: hidden; scroll-margin-top: 1rem; } article:target { outline: 2px solid var(--accent); }
svg { display: block; width: 100%; height: auto; background: #000; }
polygon { fill: none; stroke: #35e0c2; stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round;
  transition: opacity .15s; }
polygon + polygon { stroke: #ffc53d; stroke-dasharray: 6 5; }
svg:hover polygon { opacity: 0; }
.figure { display: grid; grid-template-columns: minmax(0, 3fr) minmax(14rem, 2fr); margin-top: 1rem; }
.figure img { display: block; width: 100%; height: auto; background: #fff; }
.bars { margin: .6rem 0; font-size: .86rem; }
.bars div { display: grid; grid-template-columns: 8rem 1fr 3rem; align-items: center; gap: .7rem; padding: .1rem 0; }
.bars i { display: block; height: .55rem; border-radius: 1rem; background: var(--line); overflow: hidden; }
.bars b { display: block; height: 100%; border-radius: 1rem; background: var(--accent); }
.notes { margin-top: 1.2rem; color: var(--quiet); font-size: .85rem; } .notes p { margin: .3rem 0; overflow-wrap: anywhere; }
.text { padding: .9rem 1.1rem 1rem; }
.badge { display: inline-block; font-size: .75rem; font-weight: 600; padding: .08rem .5rem; border-radius: 1rem; white-space: nowrap; }
.good { background: var(--good-back); color: var(--good); } .bad { background: var(--bad-back); color: var(--bad); }
.doubtful { background: var(--doubt-back); color: var(--doubt); } .neutral { background: var(--line); color: var(--text); }
.message { color: var(--quiet); font-size: .88rem; margin: .3rem 0 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .6rem 1rem; margin: .8rem 0 .6rem; }
dt { font-size: .8rem; } dd { margin: 0; font-size: 1.05rem; font-weight: 600; font-variant-numeric: tabular-nums; }
dd small { font-weight: 400; font-size: .82rem; }
summary { cursor: pointer; color: var(--accent); font-size: .88rem; }
details table { margin-top: .5rem; font-size: .82rem; } details th, details td { padding: .22rem .2rem; }
.commands { display: block; } .commands dd { margin: .15rem 0 .8rem; font-weight: 400; overflow-x: auto; }
code { display: block; width: fit-content; min-width: 100%; padding: .5rem .8rem; border-radius: .5rem;
  background: var(--card); border: 1px solid var(--line); font: .88rem ui-monospace, "SF Mono", Consolas, monospace; white-space: pre; }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .85rem; }
footer p { margin: .4rem 0; overflow-wrap: anywhere; }
@media (max-width: 44rem) { .figure { grid-template-columns: 1fr; } }
@media print { .cards { grid-template-columns: 1fr 1fr; } article { break-inside: avoid; } }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
