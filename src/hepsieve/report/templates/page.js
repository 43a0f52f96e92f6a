"use strict";
// What a page does beyond being read: colour scheme, current section, downloads, sorting, printing. Without it the
// page shows the same figures and words.
(() => {
  const root = document.documentElement;
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  // --- Figures: SVG text in the data: addresses of images.
  const PREFIX = "data:image/svg+xml;base64,";
  const DARK = "@media(prefers-color-scheme:dark)";
  const svgOf = (address) => new TextDecoder().decode(Uint8Array.from(atob(address.slice(PREFIX.length)), (c) => c.charCodeAt(0)));
  const addressOf = (svg) => PREFIX + btoa(Array.from(new TextEncoder().encode(svg), (byte) => String.fromCharCode(byte)).join(""));
  const drawn = new Map(all("img").filter((image) => image.src.startsWith(PREFIX)).map((image) => [image, image.src]));
  const forced = { light: "@media not all", dark: "@media all" };

  // An image follows the system's scheme alone: for another one its style sheet is told which.
  const paint = (scheme) => {
    for (const [image, address] of drawn) {
      image.src = scheme ? addressOf(svgOf(address).replace(DARK, forced[scheme])) : address;
    }
  };

  // --- Colour scheme.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const shown = () => root.dataset.theme || (system.matches ? "dark" : "light");
  const label = () => {
    const other = shown() === "dark" ? "light" : "dark";
    button.textContent = other === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Switch to ${other} colours`);
  };
  if (button) {
    button.hidden = false;
    label();
    system.addEventListener("change", label);
    button.addEventListener("click", () => {
      const wanted = shown() === "dark" ? "light" : "dark";
      const followed = wanted === (system.matches ? "dark" : "light");
      if (followed) delete root.dataset.theme;
      else root.dataset.theme = wanted;
      paint(followed ? null : wanted);
      label();
    });
  }

  // --- Downloads.
  const slug = (text) => text.normalize("NFKD").replace(/[^\w.-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60).toLowerCase();
  const nameOf = (figure) => {
    const section = figure.closest("section");
    const title = figure.querySelector("h3, h4");
    const words = title ? title.firstChild.textContent : figure.querySelector("img").alt;
    return [section ? section.id : "", slug(words)].filter(Boolean).join("-") || "figure";
  };
  const save = (text, type, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  // Programs that draw SVG outside a browser know no custom properties: each becomes its light colour.
  const plain = (svg) => {
    const colours = new Map([...svg.split("@media")[0].matchAll(/(--c\d+):(#\w+)/g)].map((found) => [found[1], found[2]]));
    return svg
      .replace(/:root\{[^}]*\}@media\(prefers-color-scheme:dark\)\{:root\{[^}]*\}\}/, "")
      .replace(/var\((--c\d+)\)/g, (whole, name) => colours.get(name) || whole);
  };
  const open = (figure) => drawn.get(figure.querySelector("img"));
  for (const bar of all(".downloads")) {
    const figure = bar.closest("figure");
    if (!open(figure)) continue;
    bar.hidden = false;
    for (const one of all("button.svg", bar)) {
      one.addEventListener("click", () => save(plain(svgOf(open(figure))), "image/svg+xml", `${nameOf(figure)}.svg`));
    }
    for (const one of all("button.csv", bar)) {
      const numbers = figure.querySelector("script.numbers");
      one.addEventListener("click", () => save(JSON.parse(numbers.textContent), "text/csv;charset=utf-8", `${nameOf(figure)}.csv`));
    }
  }

  // --- The current section in the table of contents.
  const links = all("#toc a[href^='#']");
  const places = links.map((link) => document.getElementById(link.hash.slice(1)));
  const bar = document.querySelector("#toc ul");
  let current = null;
  const mark = () => {
    const line = innerHeight * 0.3;
    let at = places.findLastIndex((place) => place && place.getBoundingClientRect().top <= line);
    if (innerHeight + scrollY >= root.scrollHeight - 2) at = places.length - 1;
    const link = links[Math.max(at, 0)];
    if (link === current) return;
    if (current) current.removeAttribute("aria-current");
    current = link;
    link.setAttribute("aria-current", "location");
    bar.scrollTo({ left: link.offsetLeft - bar.clientWidth / 3, top: link.offsetTop - bar.clientHeight / 2 });
  };
  if (links.length) {
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; mark(); });
    }, { passive: true });
    mark();
  }

  // --- Tables that sort by a click on (or Enter in) the head of a column.
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const given = cell.dataset.sort ?? cell.textContent.trim();
    const number = given === "" ? NaN : Number(given);
    return Number.isNaN(number) ? given : number;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    // Undefined figures come last, whichever way.
    if (typeof a === "number" || typeof b === "number") return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const press = document.createElement("button");
      press.type = "button";
      press.className = "sort";
      press.append(...head.childNodes);
      head.append(press);
      press.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        for (const body of table.tBodies) {
          const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
          const numbers = rows.filter(([value]) => typeof value === "number").sort(([a], [b]) => (falling ? b - a : a - b));
          const words = rows.filter(([value]) => typeof value !== "number").sort(([a], [b]) => (falling ? compare(b, a) : compare(a, b)));
          body.append(...[...numbers, ...words].map(([, row]) => row));
        }
      });
    });
  }

  // --- On paper: light colours, everything unfolded but long listings of files that lie beside the page.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open], .unprinted)");
    for (const one of folded) one.open = true;
    if (shown() === "dark") paint("light");
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
    paint(root.dataset.theme || null);
  });
})();
