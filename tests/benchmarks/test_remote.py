"""What objects in a store cost: the tables, from figures that are easy to follow."""

from __future__ import annotations

from benchmarks.remote import markdown

FIGURES = {
    "images": 60,
    "megabytes_an_image": 0.1,
    "object_processor_seconds": {"put": 0.002, "get": 0.003, "list": 0.0},
    "local_processor_seconds": 0.05,
    "store_processor_seconds": 0.1,
    "input_bytes": {"listing": 2000.0, "kept": 500.0},
    "differences": [],
}
SCALE = {
    "machine": {"cores": 2},
    "few": {"images": 500, "resume_seconds": 1.0},
    "many": {"images": 10_500, "resume_seconds": 2.0, "images_a_second": 40.0},
}


def row(name: str) -> list[str]:
    (line,) = (line for line in markdown(FIGURES, SCALE).splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


def test_a_million_images_of_twenty_a_second_and_core() -> None:
    assert row("core hours") == ["13.9", "13.9", "15.1"]  # Ray's driver: 0.1 + 4.4 ms an image more
    assert row("hours, files") == ["0.87", "0.035", "1.25"]
    assert row("images a second, files") == ["320", "8000", "222"]
    assert row("of that, listing by each process") == ["1.7 min", "1.7 min", ""]


def test_a_store_doubles_the_time_of_an_image_that_costs_as_much_again() -> None:
    assert row("hours, from a store into a store")[0] == f"{0.868 * 2 + 100 / 3600:.2f}"
    assert row("memory of the names, of a store")[0] == "2.0 GB"
