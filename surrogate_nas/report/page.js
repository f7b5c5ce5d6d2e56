// Plots: each figure holds its Vega-Lite specification as JSON. "ast" evaluates expressions without eval, which the page forbids.
for (const figure of document.querySelectorAll("figure.plot")) {
  const specification = JSON.parse(figure.querySelector("script").textContent);
  vegaEmbed(figure.querySelector("div"), specification, {
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    ast: true,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  });
}

// Tables: a click on a heading sorts by that column, a second one the other way round; blanks stay last.
const compare = (a, b) => (a === "") - (b === "") || a - b || a.localeCompare(b);

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.querySelectorAll("thead th")];
  headings.forEach((heading, column) =>
    heading.querySelector("button").addEventListener("click", () => {
      const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      const body = table.tBodies[0];
      const key = (row) => row.cells[column].dataset.value;
      const rows = [...body.rows].sort((a, b) => (key(a) === "" || key(b) === "" ? 1 : direction) * compare(key(a), key(b)));
      body.append(...rows);
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    }),
  );
}
