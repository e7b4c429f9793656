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
import numpy.typing as npt

from usseg_monai.imaging import colors
from usseg_monai.imaging.boundary import boundaries
from usseg_monai.imaging.display import to_display
from usseg_monai.imaging.image import GreyImage
from usseg_monai.inference.caption import SEVERITY_COLORS
from usseg_monai.inference.report import Case, Chapter, Figure, Misses, Report, Section, Tolerance
from usseg_monai.measurements.result import Severity, Status, Value
from usseg_monai.tasks import UNITS, Column, Task

__all__ = ["render_report"]

_NAMES = {"hadlock": "Hadlock", "intergrowth": "INTERGROWTH-21st"}
_JPEG_QUALITY = 88
_MOST_NAMES = 4


def render_report(report: Report) -> str:
    """Return the page as HTML."""
    body = [
        f"<header><h1>{escape(report.title)}</h1><p class=lead>{escape(report.lead)}</p>",
        "<p class=warning><strong>Not a medical device.</strong> For research only: no decision about a patient may rest on it.</p>",
        _contents(report.chapters),
        _legend(),
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


def _legend() -> str:
    """The meaning of the colours of lines."""
    words = {"found": "outline found", "measured": "ellipse that is measured", "truth": "true outline, dashed"}
    lines = "".join(f"<span><i style='color:var(--{name})'></i>{text}</span>" for name, text in words.items())
    return f"<p class=legend>{lines}</p>"


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
        if section.misses is not None:
            tiles.append((f"{len(section.misses.missed)} of {section.misses.pictures}", f"missed: {_lower(section.title)}"))
        for figure in section.figures:
            tiles += [
                (_quantity(figure.values[name], name), f"{_label(name)[0]}, true {_format(true, name)}")
                for name, true in figure.truth.items()
            ]
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
    heads = [f"{name}, {unit}" if unit else name for name in (label, "True value", "Difference")]
    rows = []
    for section in chapter.sections:
        rows.append(f"<tr class=group><th colspan=6 scope=rowgroup>{escape(section.title)}</th></tr>")
        for case in section.cases:
            difference, true = case.difference(main.name), case.truth.get(main.name)
            percent = "" if difference is None or not true else f"{100 * difference / true:+.1f} %"
            cells = [
                f"<th scope=row><a href='#{_anchor(chapter.task, case)}'>{escape(case.name)}</a></th>",
                f"<td data-label=Status>{_status(case.measurement.status)}</td>",
                _number(case.measurement.values.get(main.name), main.name, label=heads[0]),
                _number(true, main.name, label=heads[1]),
                _number(difference, main.name, label=heads[2], sign=True),
                f"<td class=number data-label=Relative>{percent}{_mark(section.tolerance, case)}</td>",
            ]
            rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "<th>Picture<th>Status" + "".join(f"<th>{escape(name)}" for name in heads) + "<th>Relative"
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _section(section: Section, highlights: Sequence[Column], task: Task) -> str:
    figures = "".join(_figure(figure) for figure in section.figures)
    cards = "".join(_card(case, section.tolerance, highlights, task) for case in section.cases)
    text = f"<p>{escape(section.text)}</p>{_misses(section.misses)}"
    return f"<section><h3>{escape(section.title)}</h3>{text}{figures}<div class=cards>{cards}</div></section>"


def _misses(misses: Misses | None) -> str:
    """What went wrong, in plain words, the same of several pictures once."""
    if misses is None:
        return ""
    if not misses.missed:
        return f"<p class='misses none'>Missed: none of {misses.pictures}.</p>"
    names: dict[str, list[str]] = {}
    for miss in misses.missed:
        names.setdefault(miss.how, []).append(miss.name)
    words = "; ".join(f"{how}: {_list(pictures)}" for how, pictures in names.items())
    return (
        f"<p class=misses><strong>Missed: {len(misses.missed)} of {misses.pictures}.</strong> {escape(words[:1].upper() + words[1:])}.</p>"
    )


def _list(names: Sequence[str]) -> str:
    """Some names, and how many there are besides.

    >>> _list(["a", "b"]), _list("abcdefg")
    ('a, b', 'a, b, c and 4 more')
    """
    return (
        ", ".join(names) if len(names) <= _MOST_NAMES else f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1} more"
    )


def _figure(figure: Figure) -> str:
    drawing = f"<img src='data:image/png;base64,{_base64(figure.png)}' alt='{escape(figure.title)}'>" if figure.png else ""
    shown = "".join(_value(name, value, figure.truth.get(name)) for name, value in figure.values.items())
    message = f"<p class=message>{escape(figure.message)}</p>" if figure.message else ""
    mark = "" if figure.tolerance_percent is None else _within(figure.tolerance_percent, holds=figure.holds())
    title = f"<h4>{escape(figure.title)}{mark}</h4>"
    return f"<article class=figure>{drawing}<div class=text>{title}{message}<dl>{shown}</dl></div></article>"


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
    true = () if case.true_mask is None else boundaries(case.true_mask)
    found = () if case.mask is None or case.measurement.outlines else boundaries(case.mask)
    lines = _polygons(true, "truth") + _polygons(found, "found") + _polygons(case.measurement.outlines, "measured")
    alt = f"{case.name}, {_status_words(case.measurement.status)}"
    return (
        f"<svg viewBox='0 0 {cols} {rows}' role=img aria-label='{escape(alt)}'>"
        f"<image href='data:image/jpeg;base64,{_jpeg(case.image)}' width={cols} height={rows} />{lines}</svg>"
    )


def _polygons(outlines: Iterable[npt.NDArray[np.float64]], kind: str) -> str:
    """Outlines count from the centre of the first pixel, the drawing from its corner."""
    places = (" ".join(f"{col + 0.5:.1f},{row + 0.5:.1f}" for row, col in outline) for outline in outlines)
    return "".join(f"<polygon class={kind} points='{points}'/>" for points in places)


def _jpeg(image: GreyImage) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(to_display(image.pixels)).save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
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


def _number(value: Value, column: str, *, label: str = "", sign: bool = False) -> str:
    """A cell of a table; where a row is shown as a card, the label stands before it."""
    named = f" data-label='{escape(label)}'" if label else ""
    return f"<td class=number{named}>{escape(_format(value, column, sign=sign))}</td>"


def _status_words(status: Status) -> str:
    return status.value.replace("_", " ")


def _status(status: Status) -> str:
    return f"<span class='badge {status.severity.name}'>{_status_words(status)}</span>"


def _mark(tolerance: Tolerance | None, case: Case) -> str:
    return "" if tolerance is None else _within(tolerance.percent, holds=tolerance.holds(case))


def _within(percent: float, *, holds: bool) -> str:
    severity = Severity.GOOD if holds else Severity.UNBELIEVABLE
    return f" <span class='badge {severity.name}'>{'' if holds else 'not '}within {percent:g} %</span>"


def _anchor(task: Task, case: Case) -> str:
    return f"{task.name}-" + "".join(letter if letter.isalnum() else "-" for letter in case.name)


_LINES = {"found": colors.FOUND, "measured": colors.MEASURED, "truth": colors.TRUTH}
_SHADES = {**_LINES, **{severity.name: color for severity, color in SEVERITY_COLORS.items()}}

_STYLE = (
    f":root {{ {' '.join(f'--{name}: {colors.css(color)};' for name, color in _SHADES.items())} }}"
    + """
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --text: #16202b; --quiet: #5b6875; --line: #dde2e8; --accent: #0b6bcb;
  --doubt: #8a5a00; --doubt-back: #fcedcc; }
@media (prefers-color-scheme: dark) { :root { --page: #0f141a; --card: #182029; --text: #e6ebf1; --quiet: #97a4b2; --line: #2b3642;
  --accent: #6fb3ff; --doubt: #f3c969; --doubt-back: #3d3010; } }
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
polygon { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; transition: opacity .15s; }
polygon.found { stroke: var(--found); } polygon.measured { stroke: var(--measured); }
polygon.truth { stroke: var(--truth); stroke-dasharray: 5 4; }
svg:hover polygon { opacity: 0; }
.figure { display: grid; grid-template-columns: minmax(0, 3fr) minmax(14rem, 2fr); margin-top: 1rem; }
.figure img { display: block; width: 100%; height: auto; background: #fff; }
.bars { margin: .6rem 0; font-size: .86rem; }
.bars div { display: grid; grid-template-columns: 8rem 1fr 3rem; align-items: center; gap: .7rem; padding: .1rem 0; }
.bars i { display: block; height: .55rem; border-radius: 1rem; background: var(--line); overflow: hidden; }
.bars b { display: block; height: 100%; border-radius: 1rem; background: var(--accent); }
.notes { margin-top: 1.2rem; color: var(--quiet); font-size: .85rem; } .notes p { margin: .3rem 0; overflow-wrap: anywhere; }
.text { padding: .9rem 1.1rem 1rem; }
.badge { display: inline-block; font-size: .75rem; font-weight: 600; padding: .08rem .5rem; border-radius: 1rem; white-space: nowrap;
  color: #000; }
.GOOD { background: var(--GOOD); } .LOOK { background: var(--LOOK); } .UNBELIEVABLE { background: var(--UNBELIEVABLE); }
.NEUTRAL { background: var(--NEUTRAL); }
.misses { border-left: 4px solid var(--UNBELIEVABLE); padding-left: .8rem; } .misses.none { border-color: var(--GOOD); }
.legend { font-size: .88rem; } .legend i { display: inline-block; width: 1.6rem; border-top: 3px solid; margin: 0 .35rem 0 0;
  vertical-align: middle; } .legend span { margin-right: 1rem; white-space: nowrap; }
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
@media (max-width: 44rem) {
  main { padding: 1.2rem .8rem 2rem; } h1 { font-size: 1.5rem; } .lead { font-size: .95rem; } nav { gap: .3rem; }
  nav a { padding: .15rem .6rem; font-size: .82rem; } .warning { margin-bottom: .8rem; font-size: .9rem; } .legend { margin: .6rem 0; }
  .chapter { margin-top: 1.2rem; padding-top: 1.2rem; } .figure { grid-template-columns: 1fr; }
  code { white-space: pre-wrap; overflow-wrap: anywhere; }
  .tiles { grid-template-columns: 1fr 1fr; gap: .6rem; } .tiles > div { padding: .6rem .8rem; } .tiles b { font-size: 1.3rem; }
  .wide thead { display: none; } .wide table, .wide tbody { display: block; }
  .wide tr { display: grid; grid-template-columns: 1fr 1fr; gap: .1rem .8rem; padding: .6rem .9rem; border-top: 1px solid var(--line); }
  .wide th, .wide td { border: 0; padding: 0; text-align: left; white-space: normal; }
  .wide th { grid-column: 1 / -1; overflow-wrap: anywhere; } .wide td:empty { display: none; }
  .wide td::before { content: attr(data-label); display: block; font-size: .78rem; color: var(--quiet); }
  details table { table-layout: fixed; } details th { width: 65%; overflow-wrap: anywhere; }
  .bars div { grid-template-columns: 7rem 1fr 2.6rem; }
}
@media print { .cards { grid-template-columns: 1fr 1fr; } article { break-inside: avoid; } }
"""
)

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
