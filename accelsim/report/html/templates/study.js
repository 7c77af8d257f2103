"use strict";
// The explorer of a study: filters, a scatter with its front, parallel coordinates, a table, all of the same points.
accelsim.study = (() => {
  const holder = document.getElementById("study-data");
  if (!holder) return null;
  const data = JSON.parse(holder.textContent), total = data.ids.length;
  const columns = new Map(data.columns.map((column) => [column.name, column]));
  const ways = new Map(data.objectives), objectives = data.objectives.map(([name]) => name);
  const palette = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999"];
  const ramp = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];
  const get = (id) => document.getElementById(id);
  const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const short = (value) => (value === null ? "-" : String(Number(Number(value).toPrecision(4))));
  const shown = (column, at) => (column.kind === "choice" ? column.names[column.values[at]] ?? "-" : short(column.values[at]));
  const varies = (column) => new Set(column.values).size > 1;
  let brushed = null;

  const option = (select, column, chosen) => {
    const item = document.createElement("option");
    item.value = column.name;
    item.textContent = column.label;
    item.selected = column.name === chosen;
    select.append(item);
  };
  const first = objectives[0], second = objectives[1] ?? objectives[0];
  const axes = data.columns.filter((column) => !column.total && varies(column));
  for (const column of data.columns) {
    if (column.kind === "number") {
      option(get("axis-x"), column, second);
      option(get("axis-y"), column, first);
    }
    option(get("axis-colour"), column, axes.length ? axes[0].name : first);
  }

  // Filters: boxes for few values, a range for many; one row of them per axis and objective.
  const filters = [];
  const labelled = (text, input) => {
    const label = document.createElement("label");
    label.append(...(input.type === "checkbox" ? [input, text] : [text, input]));
    return label;
  };
  const box = (column) => {
    const field = document.createElement("fieldset"), legend = document.createElement("legend");
    legend.textContent = column.label;
    field.append(legend);
    field.dataset.column = column.name;
    if (column.kind === "choice") {
      const inputs = column.names.map((name, at) => {
        const input = document.createElement("input");
        input.type = "checkbox";
        input.checked = true;
        input.value = at;
        field.append(labelled(name, input));
        return input;
      });
      filters.push({
        keeps: (at) => inputs[column.values[at]]?.checked ?? true,
        reset: () => inputs.forEach((input) => { input.checked = true; }),
      });
    } else {
      const known = column.values.filter((value) => value !== null), range = document.createElement("div");
      range.className = "range";
      const inputs = [["at least", Math.min(...known)], ["at most", Math.max(...known)]].map(([text, limit]) => {
        const input = document.createElement("input");
        input.type = "number";
        input.step = "any";
        input.placeholder = short(limit);
        range.append(labelled(text, input));
        return input;
      });
      field.append(range);
      filters.push({
        keeps: (at) => {
          const [low, high] = inputs.map((input) => (input.value === "" ? null : Number(input.value)));
          const value = column.values[at];
          return (low === null || value >= low) && (high === null || value <= high);
        },
        reset: () => inputs.forEach((input) => { input.value = ""; }),
      });
    }
    get("filters").append(field);
  };
  for (const column of [...axes, ...objectives.map((name) => columns.get(name))]) box(column);

  const kept = () => {
    const only = get("only-front").checked;
    return data.ids.map((_, at) => at).filter((at) => filters.every((filter) => filter.keeps(at))
      && (!only || data.front[at]) && (brushed === null || brushed.has(at)));
  };

  const hover = data.ids.map((id, at) => [`<b>${escaped(id)}</b>`,
    ...axes.map((column) => `${escaped(column.label)}: ${escaped(shown(column, at))}`),
    ...objectives.map((name) => `${escaped(columns.get(name).label)}: ${shown(columns.get(name), at)}`)].join("<br>"));

  // The front of two quantities: less is better, of an objective that is maximised more.
  const front = (points, x, y) => {
    const sign = (column) => (ways.get(column.name) === "max" ? -1 : 1);
    const known = points.filter((at) => x.values[at] !== null && y.values[at] !== null);
    known.sort((a, b) => sign(x) * (x.values[a] - x.values[b]) || sign(y) * (y.values[a] - y.values[b]));
    let best = Infinity;
    return known.filter((at) => {
      const value = sign(y) * y.values[at];
      if (value >= best) return false;
      best = value;
      return true;
    });
  };

  const marks = (points, x, y, extra) => ({
    type: "scatter", mode: "markers", x: points.map((at) => x.values[at]), y: points.map((at) => y.values[at]),
    customdata: points, text: points.map((at) => hover[at]), hoverinfo: "text", ...extra,
  });

  const scatter = (points) => {
    const [x, y, colour] = ["axis-x", "axis-y", "axis-colour"].map((id) => columns.get(get(id).value));
    const inside = new Set(points), outside = data.ids.map((_, at) => at).filter((at) => !inside.has(at));
    const traces = [marks(outside, x, y, { name: "filtered out", marker: { color: "var(--faint)", size: 5 }, hoverinfo: "skip" })];
    if (colour.kind === "choice") {
      colour.names.forEach((name, number) => {
        const own = points.filter((at) => colour.values[at] === number);
        traces.push(marks(own, x, y, { name: escaped(name), marker: { color: palette[number % palette.length], size: 8 } }));
      });
    } else {
      const bar = { title: { text: escaped(colour.label), side: "right" }, thickness: 14 };
      traces.push(marks(points, x, y, { showlegend: false, name: "points",
        marker: { color: points.map((at) => colour.values[at]), colorscale: "Cividis", colorbar: bar, size: 8 } }));
    }
    const best = front(points, x, y);
    traces.push({ ...marks(best, x, y, { name: "front", line: { color: "var(--text)", width: 1.5, shape: "hv" },
      marker: { symbol: "circle-open", size: 13, color: "var(--text)" } }), mode: "lines+markers" });
    const layout = { height: 520, dragmode: "select", hovermode: "closest", selectdirection: "any",
      xaxis: { title: { text: escaped(x.label) } }, yaxis: { title: { text: escaped(y.label) } } };
    return accelsim.draw("scatter", { data: traces, layout });
  };

  const height = (column) => {
    const known = column.values.filter((value) => value !== null), low = Math.min(...known), high = Math.max(...known);
    if (column.kind === "choice") return (at) => (column.names.length > 1 ? column.values[at] / (column.names.length - 1) : 0.5);
    const log = low > 0 && high / low > 50, scale = log ? Math.log : (value) => value;
    return (at) => (column.values[at] === null || high === low ? 0.5 : (scale(column.values[at]) - scale(low)) / (scale(high) - scale(low)));
  };
  const lines = [...axes.slice(0, 9), ...objectives.map((name) => columns.get(name))];
  const heights = lines.map(height);
  const ends = (column) => {
    if (column.kind === "choice") return column.names.map((name, at) => [at / Math.max(1, column.names.length - 1), name]);
    const known = column.values.filter((value) => value !== null);
    return [[0, short(Math.min(...known))], [1, short(Math.max(...known))]];
  };
  const level = height(columns.get(first));

  const bundle = (points, colour, name, width) => {
    const x = [], y = [], text = [];
    for (const at of points) {
      lines.forEach((_, number) => { x.push(number); y.push(heights[number](at)); text.push(hover[at]); });
      x.push(null); y.push(null); text.push("");
    }
    return { type: "scatter", mode: "lines", x, y, text, name, hoverinfo: name ? "text" : "skip", showlegend: false, opacity: name ? 0.75 : 0.35,
      line: { color: colour, width } };
  };
  const parallel = (points) => {
    const inside = new Set(points), outside = data.ids.map((_, at) => at).filter((at) => !inside.has(at));
    const traces = [bundle(outside.slice(0, 3000), "var(--faint)", "", 1)];
    ramp.forEach((colour, number) => {
      const own = points.filter((at) => Math.min(ramp.length - 1, Math.floor(level(at) * ramp.length)) === number);
      traces.push(bundle(own, colour, `level ${number}`, 1.2));
    });
    const notes = lines.flatMap((column, number) => ends(column).map(([y, text]) => (
      { x: number, y, text: escaped(text), showarrow: false, xanchor: "left", xshift: 4, bgcolor: "var(--panel)", opacity: 0.9, font: { size: 11 } })));
    const layout = { height: 420, hovermode: "closest", annotations: notes, dragmode: "pan",
      xaxis: { tickvals: lines.map((_, number) => number), ticktext: lines.map((column) => escaped(column.label)), tickangle: 25,
        range: [-0.1, lines.length - 0.55], gridcolor: "var(--dim)" },
      yaxis: { visible: false, range: [-0.06, 1.06] } };
    return accelsim.draw("parallel", { data: traces, layout });
  };

  const table = (points) => {
    const y = columns.get(get("axis-y").value), sign = ways.get(y.name) === "max" ? -1 : 1;
    const rows = [...points].sort((a, b) => sign * (y.values[a] - y.values[b])).slice(0, 50);
    const heads = [...axes, ...objectives.map((name) => columns.get(name))];
    const cell = (kind, text, number) => {
      const item = document.createElement(kind);
      item.textContent = text;
      if (number) item.className = "number";
      return item;
    };
    const row = (cells) => { const line = document.createElement("tr"); line.append(...cells); return line; };
    const head = [cell("th", "point"), ...heads.map((column) => cell("th", column.label, column.total))];
    head.forEach((item) => { item.scope = "col"; });
    get("points-table").tHead.replaceChildren(row(head));
    get("points-table").tBodies[0].replaceChildren(...rows.map((at) => {
      const name = cell("th", data.ids[at] + (data.front[at] ? " (front)" : ""));
      name.scope = "row";
      return row([name, ...heads.map((column) => cell("td", shown(column, at), column.total))]);
    }));
    get("points-table").caption.firstElementChild.textContent = `The first ${rows.length} of ${points.length} points by ${y.label}`;
  };

  let drawing = 0;  // plotly tells of selections that it drops itself while it draws: those are nobody's
  const update = () => {
    drawing += 1;
    const points = kept(), fronts = points.filter((at) => data.front[at]).length;
    get("study-status").textContent = `${points.length} of ${total} points, ${fronts} on the front of all objectives`
      + (brushed === null ? "" : `; ${brushed.size} were selected by dragging`);
    table(points);
    return Promise.all([scatter(points), parallel(points)]).finally(() => { drawing -= 1; });
  };

  const ready = update().then(() => {
    get("scatter").on("plotly_deselect", () => {
      if (drawing) return;
      brushed = null;
      update();
    });
    get("scatter").on("plotly_selected", (event) => {
      if (drawing || !event || !event.points) return;
      brushed = event.points.length ? new Set(event.points.map((point) => point.customdata)) : null;
      update();
    });
  });
  for (const id of ["axis-x", "axis-y", "axis-colour", "only-front"]) get(id).addEventListener("change", update);
  get("filters").addEventListener("change", update);
  get("reset").addEventListener("click", () => {
    brushed = null;
    get("only-front").checked = false;
    filters.forEach((filter) => filter.reset());
    update();
  });
  accelsim.done = Promise.all([accelsim.done, ready]);
  return { kept, update };
})();
