"use strict";
// The threshold explorer: a cut is dragged, typed or stepped, and what behind_cut.js makes of it is shown at once.
(() => {
  const source = document.getElementById("explorer-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const find = (id) => document.getElementById(`explorer-${id}`);
  const all = (selector) => [...find("tool").querySelectorAll(selector)];
  const PARTS = ["validation", "test"];
  const BACKGROUND = 0, SIGNAL = 1;
  const { number, power, count, textOf } = behindCut;

  // --- What is chosen: a model, one of its edges, the events in the pictures, what the analysis expects.
  data.models.forEach((model) => PARTS.forEach((part) => model[part].forEach(behindCut.add)));
  const half = (model) => nearest(model.edges, 0.5);
  const nearest = (values, wanted) => values.reduce((best, value, k) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? k : best), 0);
  const best = Math.max(data.models.findIndex((model) => model.name === data.best), 0);
  const state = { model: best, edge: half(data.models[best]), part: "validation", logarithmic: false,
    yields: [...data.yields], uncertainty: data.uncertainty };
  const model = () => data.models[state.model];
  const figuresOf = (part, k) => behindCut.figures(model()[part], k, state.yields, state.uncertainty);

  const readAddress = () => {
    const found = /^#explorer=(.*),([^,]+)$/.exec(location.hash);
    if (!found) return false;
    let name;
    try { name = decodeURIComponent(found[1]); } catch { return false; }
    const at = data.models.findIndex((one) => one.name === name);
    if (at < 0 || !Number.isFinite(Number(found[2]))) return false;
    state.model = at;
    state.edge = nearest(model().edges, Number(found[2]));
    return true;
  };
  const writeAddress = () => history.replaceState(null, "", `#explorer=${encodeURIComponent(model().name)},${model().edges[state.edge]}`);

  // --- Pictures.
  const put = (parent, name, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };
  const axisOf = (map, low, high, ticks) => {
    const from = map(low), width = map(high) - from || 1;
    return { at: (value) => Math.min(Math.max((map(value) - from) / width, 0), 1), ticks: ticks.filter((tick) => tick >= low && tick <= high) };
  };
  const linear = (low, high) => {
    const raw = (high - low) / 5 || 1, unit = 10 ** power(raw);
    const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= raw * 0.999);
    const first = Math.ceil(low / step - 1e-9);
    const ticks = Array.from({ length: 12 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
    return axisOf((value) => value, low, high, ticks);
  };
  const decades = (low, high) => {
    const least = power(low), step = Math.max(1, Math.ceil((power(high) - least) / 6));
    return axisOf((value) => Math.log10(Math.max(value, low)), low, high,
      Array.from({ length: 40 }, (_, k) => Number(`1e${least + k * step}`)));
  };
  const logits = (low, high) => {
    const inside = (value) => Math.min(Math.max(value, 1e-7), 1 - 1e-7);
    return axisOf((value) => Math.log(inside(value) / (1 - inside(value))), inside(low), inside(high),
      [1e-6, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999, 0.999999]);
  };
  const tickText = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential().replace("e-", "e−") : String(value));
  const chart = (svg, x, y, names) => {
    const width = Math.max(svg.clientWidth, 240), height = Math.round(Math.min(width * 0.7, 320));
    const box = { left: 52, right: width - 10, top: 8, bottom: height - 40 };
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const px = (value) => box.left + x.at(value) * (box.right - box.left);
    const py = (value) => box.bottom - y.at(value) * (box.bottom - box.top);
    for (const tick of x.ticks) {
      put(svg, "line", { class: "rule", x1: px(tick), x2: px(tick), y1: box.top, y2: box.bottom });
      put(svg, "text", { x: px(tick), y: box.bottom + 16, "text-anchor": "middle" }, tickText(tick));
    }
    for (const tick of y.ticks) {
      put(svg, "line", { class: "rule", x1: box.left, x2: box.right, y1: py(tick), y2: py(tick) });
      put(svg, "text", { x: box.left - 6, y: py(tick) + 4, "text-anchor": "end" }, tickText(tick));
    }
    put(svg, "text", { x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle", class: "name" }, names[0]);
    put(svg, "text", { transform: `translate(13 ${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle", class: "name" }, names[1]);
    return { box, px, py, width };
  };
  const short = (name) => (name.length > 22 ? `${name.slice(0, 21)}…` : name);

  let curve = [];
  let cuts = [];
  const drawCurve = () => {
    const [background, signal] = model()[state.part];
    const share = (side) => side.weight.map((weight) => (side.weight[0] > 0 ? weight / side.weight[0] : 0));
    const passed = share(background), kept = share(signal);
    const least = Math.min(...passed.filter((value) => value > 0), 0.5);
    const across = state.logarithmic ? decades(least, 1) : linear(0, 1);
    const drawn = chart(find("roc"), across, linear(0, 1),
      [`${short(data.classes[BACKGROUND])} efficiency`, `${short(data.classes[SIGNAL])} efficiency`]);
    curve = passed.map((value, k) => [drawn.px(value), drawn.py(kept[k])]);
    put(find("roc"), "polyline", { class: "curve", points: [...curve, [drawn.px(0), drawn.py(0)]].map((point) => point.join()).join(" ") });
    put(find("roc"), "circle", { class: "cut", r: 7 });
  };
  const drawHistogram = () => {
    const svg = find("histogram"), { edges, bins } = model();
    const contents = model()[state.part].map((side) => bins.slice(0, -1).map((from, k) => {
      const to = k + 2 === bins.length ? 0 : side.weight[bins[k + 1]];
      return side.weight[0] > 0 ? (side.weight[from] - to) / side.weight[0] : 0;
    }));
    const shares = contents.flat(), most = Math.max(...shares, 1e-9), least = Math.min(...shares.filter((one) => one > 0), most);
    const [low, high] = [edges[bins[0]], edges[bins.at(-1)]];
    const across = model().logit ? logits(low, high) : linear(low, high > low ? high : low + 1);
    const drawn = chart(svg, across, state.logarithmic ? decades(least / 2, most * 1.5) : linear(0, most * 1.05),
      [`score of ${short(model().name)}`, "share of its class"]);
    const { px, py, box } = drawn;
    put(svg, "rect", { class: "passes", y: box.top, height: box.bottom - box.top });
    contents.forEach((content, label) => {
      const steps = content.flatMap((share, k) => [`L${px(edges[bins[k]])} ${py(share)}`, `L${px(edges[bins[k + 1]])} ${py(share)}`]);
      put(svg, "path", { class: label === SIGNAL ? "signal" : "background",
        d: `M${px(low)} ${box.bottom} ${steps.join(" ")} L${px(high)} ${box.bottom}` });
    });
    put(svg, "line", { class: "cut", y1: box.top, y2: box.bottom });
    cuts = edges.map(px);
    svg.dataset.right = box.right;
  };
  const mark = () => {
    const [x, y] = curve[state.edge];
    const point = find("roc").querySelector(".cut");
    point.setAttribute("cx", x);
    point.setAttribute("cy", y);
    const svg = find("histogram"), line = svg.querySelector(".cut"), passes = svg.querySelector(".passes");
    for (const end of ["x1", "x2"]) line.setAttribute(end, cuts[state.edge]);
    passes.setAttribute("x", cuts[state.edge]);
    passes.setAttribute("width", Math.max(Number(svg.dataset.right) - cuts[state.edge], 0));
  };
  const draw = () => { drawCurve(); drawHistogram(); mark(); };

  // --- Words and tables.
  const fill = (cell, [value, interval], quantity) => {
    cell.querySelector(".value").textContent = value;
    cell.querySelector(".interval").textContent = interval;
    for (const end of ["value", "low", "high"]) cell.dataset[end] = quantity[end] ?? "";
  };
  const show = () => {
    const { edges } = model(), k = state.edge;
    const found = Object.fromEntries(PARTS.map((part) => [part, figuresOf(part, k)]));
    for (const cell of all("[data-figure]")) {
      const quantity = found[cell.dataset.part][cell.dataset.figure];
      fill(cell, textOf(quantity), quantity);
    }
    for (const cell of all("[data-truth]")) {
      const side = model()[cell.dataset.part][cell.dataset.truth], total = side.weight[0];
      const value = cell.dataset.called === "1" ? side.weight[k] : total - side.weight[k];
      const share = total > 0 ? value / total : 0;
      fill(cell, [count(value), `${number(100 * share, 1)} %`], { value });
      cell.style.setProperty("--share", Math.min(Math.max(share, 0), 1));
    }
    for (const cell of all("[data-events]")) {
      cell.textContent = number(model()[cell.dataset.part][cell.dataset.events].events[k], 0);
    }
    const words = (part) => `${number(100 * (found[part].signal_efficiency.value ?? 0), 1)} % of signal and `
      + `${number(100 * (found[part].background_efficiency.value ?? 0), 2)} % of background pass`;
    find("range").max = edges.length - 1;
    find("range").value = k;
    find("range").setAttribute("aria-valuetext", `score at least ${edges[k]}: ${words(state.part)}`);
    find("threshold").value = edges[k];
    find("model").value = state.model;
    for (const button of all("button[data-edge]")) button.setAttribute("aria-pressed", String(Number(button.dataset.edge) === k));
    say(`${model().name}, score ≥ ${edges[k]}: ${data.heldOut === "validation" ? "on validation" : data.heldOut} ${words("validation")}, on test ${words("test")}.`);
    mark();
  };
  // A reader is told once the cut rests.
  let resting;
  const say = (text) => {
    clearTimeout(resting);
    resting = setTimeout(() => { find("says").textContent = text; }, 300);
  };
  const offerPoints = () => {
    const points = [...model().points, ["0.5", "score ≥ 0.5", half(model())]];
    find("points").replaceChildren(...points.map(([name, wanted, edge]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.title = wanted;
      button.dataset.edge = edge;
      button.addEventListener("click", () => { state.edge = edge; show(); writeAddress(); });
      return button;
    }));
  };
  const everything = () => { offerPoints(); draw(); show(); };

  // --- Files.
  const save = (text, type, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  // A picture that needs no style sheet, in light colours.
  const standing = (svg) => {
    const { theme } = document.documentElement.dataset, copy = svg.cloneNode(true);
    document.documentElement.dataset.theme = "light";
    const drawn = [...svg.querySelectorAll("*")];
    [...copy.querySelectorAll("*")].forEach((element, k) => {
      const style = getComputedStyle(drawn[k]);
      for (const name of ["fill", "fill-opacity", "opacity", "stroke", "stroke-width", "font-family", "font-size"]) {
        element.setAttribute(name, style.getPropertyValue(name));
      }
    });
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    for (const name of ["id", "role", "aria-label"]) copy.removeAttribute(name);
    const { width, height } = svg.viewBox.baseVal;
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    return new XMLSerializer().serializeToString(copy);
  };

  // --- Hands: pointer, keys, fields.
  const closest = (distance) => model().edges.reduce((at, _, k) => (distance(k) < distance(at) ? k : at), 0);
  const drag = (svg, distance) => {
    const follow = (event) => {
      const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      state.edge = closest((k) => distance(k, x, y));
      show();
    };
    svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); follow(event); });
    svg.addEventListener("pointermove", (event) => { if (svg.hasPointerCapture(event.pointerId)) follow(event); });
    svg.addEventListener("pointerup", writeAddress);
  };
  drag(find("roc"), (k, x, y) => Math.hypot(curve[k][0] - x, curve[k][1] - y));
  drag(find("histogram"), (k, x) => Math.abs(cuts[k] - x));
  const field = (id, accept) => find(id).addEventListener("input", () => {
    const value = find(id).valueAsNumber, right = value >= 0;
    find(id).setAttribute("aria-invalid", String(!right));
    if (right) { accept(value); show(); }
  });
  field("signal", (value) => { state.yields[SIGNAL] = value; });
  field("background", (value) => { state.yields[BACKGROUND] = value; });
  field("uncertainty", (value) => { state.uncertainty = value / 100; });
  find("range").addEventListener("input", () => { state.edge = Number(find("range").value); show(); });
  find("range").addEventListener("change", writeAddress);
  find("threshold").addEventListener("change", () => {
    if (Number.isFinite(find("threshold").valueAsNumber)) state.edge = nearest(model().edges, find("threshold").valueAsNumber);
    show();
    writeAddress();
  });
  find("model").addEventListener("change", () => {
    // Scores of two models do not compare; what they keep does.
    const [, before] = model().validation, kept = before.weight[state.edge] / before.weight[0];
    state.model = Number(find("model").value);
    const [, after] = model().validation;
    state.edge = nearest(after.weight.map((weight) => weight / after.weight[0]), kept);
    everything();
    writeAddress();
  });
  for (const choice of all("input[name=explorer-part]")) {
    choice.addEventListener("change", () => { state.part = choice.value; find("warning").hidden = state.part !== "test"; draw(); show(); });
  }
  find("logarithmic").addEventListener("change", () => { state.logarithmic = find("logarithmic").checked; draw(); });
  find("csv").addEventListener("click", () => {
    const rows = PARTS.flatMap((part) => model().edges.map((edge, k) => {
      const figures = Object.values(figuresOf(part, k)).flatMap(({ value, low, high }) => [value ?? "", low ?? "", high ?? ""]);
      return [part, edge, ...model()[part].map((side) => side.weight[k]), ...figures].join();
    }));
    const names = Object.keys(figuresOf("test", 0)).flatMap((name) => [name, `${name} low`, `${name} high`]);
    const text = [["part", "threshold", "background passing", "signal passing", ...names].join(), ...rows].join("\r\n");
    save(`${text}\r\n`, "text/csv;charset=utf-8", "explorer.csv");
  });
  for (const button of all("button[data-save]")) {
    button.addEventListener("click", () => save(standing(find(button.dataset.save)), "image/svg+xml", `explorer-${button.dataset.save}.svg`));
  }

  // --- Begin.
  data.models.forEach((one, k) => find("model").append(new Option(one.name, k)));
  find("signal").value = data.yields[SIGNAL];
  find("background").value = data.yields[BACKGROUND];
  find("uncertainty").value = 100 * data.uncertainty;
  const linked = readAddress();
  find("tool").hidden = false;
  everything();
  if (linked) document.getElementById("explorer").scrollIntoView();
  addEventListener("hashchange", () => { if (readAddress()) everything(); });
  addEventListener("resize", draw);
})();
