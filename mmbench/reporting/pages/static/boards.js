"use strict";
(() => {
  const number = (text) => (text === "" || Number.isNaN(Number(text)) ? null : Number(text));
  const compare = (one, other) => {
    const [a, b] = [number(one), number(other)];
    return a !== null && b !== null ? a - b : one.localeCompare(other);
  };

  // A button in each heading; a second press turns the order round.
  const startSorting = (table) => {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const was = heading.getAttribute("aria-sort");
        // Numbers are looked at from the largest down, ranks and names from the first on.
        const first = heading.classList.contains("number") && at > 0 ? "descending" : "ascending";
        const order = was === null ? first : was === "ascending" ? "descending" : "ascending";
        headings.forEach((each) => each.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const value = (row) => row.cells[at].dataset.value;
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort((one, other) => sign * compare(value(one), value(other))));
      });
    });
  };

  // A run is found by any of its words, in whichever of its tables they stand.
  const startFilter = (tables) => {
    const field = document.getElementById("filter");
    const count = document.getElementById("count");
    const runs = new Map();
    for (const row of tables.flatMap((table) => [...table.tBodies[0].rows])) {
      runs.set(row.dataset.run, [...(runs.get(row.dataset.run) ?? []), row]);
    }
    field.parentElement.hidden = false;
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const rows of runs.values()) {
        const text = rows.map((row) => row.textContent).join(" ").toLowerCase();
        const found = words.every((word) => text.includes(word));
        rows.forEach((row) => (row.hidden = !found));
        shown += found ? 1 : 0;
      }
      count.textContent = words.length ? `${shown} of ${runs.size} runs` : "";
    });
  };

  const startPairs = () => {
    const chosen = document.getElementById("chosen");
    const boxes = [...chosen.querySelectorAll("input")];
    const rows = [...document.getElementById("pair-rows").rows];
    chosen.hidden = boxes.length < 3;
    chosen.addEventListener("change", () => {
      const runs = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      for (const row of rows) {
        const both = [row.dataset.first, row.dataset.second].filter((run) => runs.has(run)).length;
        // One run: against all others; several: among each other.
        row.hidden = runs.size > 0 && both < Math.min(runs.size, 2);
      }
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const tables = ["standings", "settings"].map((key) => document.getElementById(key)).filter(Boolean);
    if (!tables.length) return; // the index has none
    tables.forEach(startSorting);
    startFilter(tables);
    startPairs();
  });
})();
