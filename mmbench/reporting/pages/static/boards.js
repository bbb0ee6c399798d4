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

  const startFilter = (table) => {
    const field = document.getElementById("filter");
    const count = document.getElementById("count");
    const rows = [...table.tBodies[0].rows];
    field.parentElement.hidden = false;
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = words.length ? `${shown} of ${rows.length} runs` : "";
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
    const table = document.getElementById("standings");
    if (!table) return; // the index has none
    startSorting(table);
    startFilter(table);
    startPairs();
  });
})();
