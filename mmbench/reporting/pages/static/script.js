"use strict";
(() => {
  const root = document.documentElement;
  const themes = ["auto", "light", "dark"];
  const remember = (theme) => { try { localStorage.setItem("mmbench-theme", theme); } catch { /* not for files */ } };
  const recall = () => { try { return localStorage.getItem("mmbench-theme"); } catch { return null; } };

  // Before the page is drawn, so that it does not flash in the other colours.
  const apply = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  };
  let theme = themes.includes(recall()) ? recall() : "auto";
  apply(theme);

  const startTheme = () => {
    const button = document.getElementById("theme");
    const name = button.querySelector("span");
    name.textContent = theme;
    button.hidden = false;
    button.addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      apply(theme);
      remember(theme);
      name.textContent = theme;
    });
  };

  const REACH = 28; // pixels from the pointer within which a mark is meant
  let tip = null;

  const show = (mark) => {
    if (mark === tip.mark) return;
    hide();
    const box = mark.getBoundingClientRect();
    tip.mark = mark;
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    const size = tip.getBoundingClientRect();
    const left = box.left + box.width / 2 - size.width / 2;
    const above = box.top - size.height - 8;
    tip.style.left = `${Math.max(8, Math.min(left, root.clientWidth - size.width - 8))}px`;
    tip.style.top = `${above > 4 ? above : box.bottom + 8}px`;
    tip.ring = ringAround(mark, box);
  };

  const ringAround = (mark, box) => {
    const svg = mark.ownerSVGElement;
    const back = svg.getScreenCTM().inverse();
    const corner = new DOMPoint(box.left, box.top).matrixTransform(back);
    const ring = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const around = 2.5;
    ring.setAttribute("class", "ring");
    ring.setAttribute("x", corner.x - around);
    ring.setAttribute("y", corner.y - around);
    ring.setAttribute("width", box.width * back.a + 2 * around);
    ring.setAttribute("height", box.height * back.d + 2 * around);
    ring.setAttribute("rx", 3);
    svg.append(ring);
    return ring;
  };

  const hide = () => {
    tip.hidden = true;
    tip.mark = null;
    if (tip.ring) tip.ring.remove();
    tip.ring = null;
  };

  // Distance from a point to a mark: 0 inside of it.
  const away = (box, x, y) =>
    Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom)) +
    Math.hypot(box.left + box.width / 2 - x, box.top + box.height / 2 - y) / 1000;

  const startMarks = (svg) => {
    const marks = [...svg.querySelectorAll(".mark")];
    if (!marks.length) return;
    for (const mark of marks) {
      mark.querySelector("title").remove(); // the browser's own tooltip would stand beside ours
      mark.setAttribute("tabindex", mark === marks[0] ? "0" : "-1");
      mark.addEventListener("focus", () => show(mark));
      mark.addEventListener("blur", hide);
    }
    // One stop for the Tab key in each plot; arrows go from mark to mark.
    svg.addEventListener("keydown", (event) => {
      const at = marks.indexOf(document.activeElement);
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      const to = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1 : at + (steps[event.key] ?? NaN);
      if (event.key === "Escape") hide();
      if (at < 0 || !marks[to]) return;
      event.preventDefault();
      marks[at].setAttribute("tabindex", "-1");
      marks[to].setAttribute("tabindex", "0");
      marks[to].focus();
    });
    svg.addEventListener("pointermove", (event) => {
      let nearest = null, least = REACH;
      for (const mark of marks) {
        const distance = away(mark.getBoundingClientRect(), event.clientX, event.clientY);
        if (distance < least) [nearest, least] = [mark, distance];
      }
      if (nearest) show(nearest); else hide();
    });
    svg.addEventListener("pointerleave", hide);
  };

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    tip = document.createElement("div");
    tip.id = "tip";
    tip.hidden = true;
    tip.setAttribute("aria-hidden", "true"); // marks carry the same words as their names
    document.body.append(tip);
    document.querySelectorAll("svg.plot").forEach(startMarks);
    addEventListener("scroll", hide, { passive: true });
    // On paper everything is to be read.
    addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
  });
})();
