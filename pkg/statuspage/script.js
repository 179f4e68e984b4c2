"use strict";
(() => {
  const table = document.getElementById("images");
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  const sortBy = (column) => {
    const heading = headings[column];
    const first = column === 0 ? "ascending" : "descending";
    const next = heading.ariaSort === "none" ? first : heading.ariaSort === "ascending" ? "descending" : "ascending";
    headings.forEach((h) => h.setAttribute("aria-sort", "none"));
    heading.setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const rows = [...body.rows];
    rows.sort((a, b) => sign * compare(a.cells[column].dataset.key, b.cells[column].dataset.key));
    body.append(...rows);
  };
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => sortBy(column)));
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("none").hidden = shown > 0;
  });
})();
