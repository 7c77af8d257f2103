"use strict";
// Draws the figures of a page in its colours, lets menus change them, and sorts tables.
window.accelsim = (() => {
  const figures = new Map();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // A colour "var(--name)" in a figure is one of the page, so that it follows light and dark.
  const resolved = (value) => {
    const named = typeof value === "string" && value.match(/^var\((--[a-z]+)\)$/);
    if (named) return colour(named[1]);
    if (Array.isArray(value)) return value.map(resolved);
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item)]));
    }
    return value;
  };

  const common = () => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true,
    font: { family: "system-ui, sans-serif", size: 13, color: colour("--text") },
    hoverlabel: { bgcolor: colour("--back"), bordercolor: colour("--dim"), font: { color: colour("--text") }, align: "left" },
    margin: { l: 60, r: 44, t: 40, b: 50 },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "normal" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--faint"), activecolor: colour("--text"), orientation: "v" },
  });

  const axis = () => ({ gridcolor: colour("--grid"), zerolinecolor: colour("--line"), linecolor: colour("--line"), automargin: true });

  const laid = (own) => {
    const layout = { ...common(), ...resolved(own) };
    const axes = new Set(["xaxis", "yaxis", ...Object.keys(own).filter((key) => /^[xy]axis\d*$/.test(key))]);
    for (const key of axes) layout[key] = { ...axis(), ...layout[key] };
    return layout;
  };

  const config = { displaylogo: false, responsive: true, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg" } };

  const draw = (key, figure) => {
    figures.set(key, figure);
    return Plotly.react(key, resolved(figure.data), laid(figure.layout), config);
  };

  const redraw = () => Promise.all([...figures].map(([key, figure]) => draw(key, figure)));

  const merged = (trace, change) => {
    const out = { ...trace };
    for (const [key, value] of Object.entries(change)) {
      const both = value !== null && typeof value === "object" && !Array.isArray(value) && typeof out[key] === "object";
      out[key] = both ? merged(out[key], value) : value;
    }
    return out;
  };

  const choose = (select) => {
    const key = select.dataset.chart, figure = figures.get(key);
    const changes = figure.choices[Number(select.value)].changes;
    figure.data = figure.data.map((trace, at) => (changes[at] ? merged(trace, changes[at]) : trace));
    return draw(key, figure);
  };

  const compare = (one, two) => {
    const [left, right] = [Number(one), Number(two)];
    if (one === "" || two === "") return (one === "") - (two === "");
    return Number.isNaN(left) || Number.isNaN(right) ? one.localeCompare(two) : left - right;
  };

  const sort = (button) => {
    const head = button.closest("th"), body = button.closest("table").tBodies[0], at = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows].sort((a, b) => {
      const [one, two] = [a.cells[at].dataset.value, b.cells[at].dataset.value];
      return one === "" || two === "" ? compare(one, two) : (down ? -1 : 1) * compare(one, two);
    });
    body.append(...rows);
  };

  const ready = [];
  for (const script of document.querySelectorAll("script.figure")) {
    ready.push(draw(script.dataset.for, JSON.parse(script.textContent)));
  }
  for (const select of document.querySelectorAll("select[data-chart]")) {
    select.addEventListener("change", () => choose(select));
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".sortable thead button");
    if (button) sort(button);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    redraw();
  });
  addEventListener("afterprint", redraw);
  return { colour, config, draw, figures, laid, redraw, resolved, done: Promise.all(ready) };
})();
