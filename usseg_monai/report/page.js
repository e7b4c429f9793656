"use strict";

for (const box of document.querySelectorAll("input[data-status]")) {
  box.addEventListener("change", () => {
    for (const shown of document.querySelectorAll(`article[data-status="${box.dataset.status}"], tr[data-status="${box.dataset.status}"]`)) {
      shown.hidden = !box.checked;
    }
  });
}

/** Text or number of a cell; what is empty comes last, whatever the order. */
function valueOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  return text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

/** Sorts the rows of one group; the row with its title stays the first. */
function sortRows(body, column, sign) {
  const rows = [...body.rows].filter((row) => row.className !== "group").map((row) => [valueOf(row, column), row]);
  rows.sort(([one], [other]) => (one === null) - (other === null) || (one === null ? 0 : sign * compare(one, other)));
  body.append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sorts")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const sign = head.ariaSort === "ascending" ? -1 : 1;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      for (const body of table.tBodies) sortRows(body, column, sign);
    });
  });
}
