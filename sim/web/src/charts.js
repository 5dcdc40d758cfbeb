// Every chart of the page: each returns an SVG element of the given width, drawn from plain lists.
// Legends, titles and tabs are HTML around it (figure.jsx).

import * as Plot from "@observablehq/plot";
import {sankey as layout, sankeyLinkHorizontal} from "d3-sankey";
import {date, difference, interval, level, monthText, percent, tick} from "./format.js";
import {CHART_CLASS, FEWER, FONT, GREY, INK, MORE, PALE, RULE} from "./look.js";
import {say, t} from "./words.js";

const COMMON = {className: CHART_CLASS, style: {fontFamily: FONT, fontSize: "11px", color: INK, overflow: "visible"}};
const SVG = "http://www.w3.org/2000/svg";

function draw(label, options) {
  const made = Plot.plot({...COMMON, ariaLabel: label, ...options});
  made.setAttribute("role", "img"); // one picture with one label: its marks need none of their own
  for (const part of made.querySelectorAll("g[aria-label]")) part.removeAttribute("aria-label");
  return made;
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Lines by month. lines: [{name, colour, dash, values, low?, high?, inner?: [low, high]}], values null where unknown.
// signed: a difference, drawn about zero, pale where its interval holds zero.
export function lines({label, lines, months, unit, width, height = 220, signed = false, zero = true}) {
  const dates = months.map(date);
  const write = signed ? difference : level;
  const marks = [Plot.gridY({stroke: RULE, strokeOpacity: 1, ticks: 5})];
  const shown = [];
  for (const line of lines) {
    const rows = dates.map((when, k) => ({
      when, month: months[k], line, value: line.values[k], low: line.low?.[k] ?? null, high: line.high?.[k] ?? null,
      least: line.inner?.[0]?.[k] ?? null, most: line.inner?.[1]?.[k] ?? null
    }));
    const known = rows.filter((row) => row.value !== null);
    shown.push(...known);
    if (known.some((row) => row.low !== null)) {
      const least = signed ? -Infinity : Math.min(0, ...known.map((row) => row.value)); // no band below nobody
      marks.push(Plot.areaY(known.filter((row) => row.low !== null), {x: "when", y1: (row) => Math.max(row.low, least), y2: "high", fill: line.colour, fillOpacity: 0.16}));
    }
    const inner = known.filter((row) => row.least !== null);
    if (inner.length) marks.push(Plot.areaY(inner, {x: "when", y1: "least", y2: "most", fill: line.colour, fillOpacity: 0.3}));
    const stroke = {x: "when", stroke: line.colour, strokeDasharray: line.dash || undefined, strokeLinejoin: "round"};
    if (signed) {
      marks.push(Plot.line(known, {...stroke, y: "value", strokeWidth: 1.3, strokeOpacity: 0.4}));
      marks.push(Plot.line(rows, {...stroke, y: (row) => (isSure(row) ? row.value : NaN), strokeWidth: 2.2}));
    } else {
      marks.push(Plot.line(known, {...stroke, y: "value", strokeWidth: 2}));
    }
  }
  marks.push(Plot.ruleY([0], {stroke: signed ? GREY : PALE}));
  marks.push(Plot.tip(shown, Plot.pointer({
    x: "when", y: "value", fontSize: 11, textPadding: 7, lineWidth: 26,
    title: (row) => [row.line.name, monthText(row.month), write(row.value, unit), row.low === null ? "" : interval(row.low, row.high, unit, write), row.least === null ? "" : t("random_alone", {interval: interval(row.least, row.most, unit, write)})].filter(Boolean).join("\n")
  })));
  return draw(label, {
    width, height, marginLeft: 50, marginRight: 14, marginTop: 12, marginBottom: 26,
    x: {type: "utc", label: null, domain: [dates[0], dates[dates.length - 1]], ticks: Math.max(2, Math.round(width / 80)), tickFormat: yearTicks(dates)},
    y: {label: null, tickFormat: tick(unit, signed), ticks: 5, nice: true, zero: zero, ...flat(shown)},
    marks
  });
}

// A dated value: what holds from each month on, to the last one. values: [{since, value}]
export function steps({label, values, until, width, height = 120}) {
  const rows = values.map(({since, value}) => ({when: date(since), month: since, value}));
  const last = rows[rows.length - 1];
  const line = [...rows, {...last, when: new Date(Math.max(date(until), last.when))}];
  return draw(label, {
    width, height, marginLeft: 56, marginRight: 14, marginTop: 10, marginBottom: 24,
    x: {type: "utc", label: null, ticks: Math.max(2, Math.round(width / 90))},
    y: {label: null, ticks: 3, nice: true, zero: true, ...flat(rows)},
    marks: [
      Plot.gridY({stroke: RULE, strokeOpacity: 1, ticks: 3}),
      Plot.line(line, {x: "when", y: "value", curve: "step-after", stroke: INK, strokeWidth: 1.8}),
      Plot.dot(rows, {x: "when", y: "value", r: 3, fill: INK}),
      Plot.tip(rows, Plot.pointer({x: "when", y: "value", fontSize: 11, title: (row) => `${monthText(row.month)}\n${level(row.value, "")}`}))
    ]
  });
}

// A fan by month: bands of 95, 80 and 50 % about a median, what was published, and what others say.
// fan: {months, quantiles: {q025, q10, q25, median, q75, q90, q975}, past: [[month, people]],
// beside: [{name, colour, joined, points: [[month, people]]}]}
export function fan({label, fan, colour, width, height = 260}) {
  const {months, quantiles} = fan;
  const rows = months.map((month, k) => ({month, when: date(month), ...Object.fromEntries(Object.entries(quantiles).map(([name, values]) => [name, values[k]]))}));
  const points = (list) => list.map(([month, value]) => ({month, when: date(month), value}));
  const past = points(fan.past);
  const marks = [Plot.gridY({stroke: RULE, strokeOpacity: 1, ticks: 5})];
  for (const [low, high, opacity] of BANDS) {
    const known = rows.filter((row) => row[low] !== null);
    if (known.length) marks.push(Plot.areaY(known, {x: "when", y1: low, y2: high, fill: colour, fillOpacity: opacity}));
  }
  marks.push(Plot.line(rows, {x: "when", y: "median", stroke: colour, strokeWidth: 2.2}));
  marks.push(Plot.dot(past, {x: "when", y: "value", r: 2, fill: INK}));
  const first = past[0]?.when ?? rows[0].when, last = rows[rows.length - 1].when;
  for (const other of fan.beside) {
    const own = points(other.points);
    if (other.joined) marks.push(Plot.line(own, {x: "when", y: "value", stroke: other.colour, strokeWidth: 1.2, strokeDasharray: "2 3", clip: true}));
    marks.push(Plot.dot(own.filter(({when}) => when >= first && when <= last), {x: "when", y: "value", r: 3, fill: other.colour}));
  }
  const inside = [...past, ...fan.beside.flatMap((other) => points(other.points)).filter(({when}) => when <= last)];
  const most = Math.max(...inside.map(({value}) => value), ...rows.flatMap((row) => [row.q975 ?? row.q90 ?? row.median]));
  marks.push(Plot.ruleX([rows[0].when], {stroke: PALE, strokeDasharray: "3 2"}), Plot.ruleY([0], {stroke: PALE}));
  marks.push(Plot.tip(rows, Plot.pointerX({
    x: "when", y: "median", fontSize: 11, textPadding: 7, lineWidth: 26,
    title: (row) => [monthText(row.month), level(row.median, "people"), ...[["q25", "q75", "50%"], ["q10", "q90", "80%"], ["q025", "q975", "95%"]].filter(([low]) => row[low] !== null).map(([low, high, name]) => `${name}: ${interval(row[low], row[high], "people", level)}`)].join("\n")
  })));
  return draw(label, {
    width, height, marginLeft: 50, marginRight: 14, marginTop: 12, marginBottom: 26,
    x: {type: "utc", label: null, domain: [first, last], ticks: Math.max(2, Math.round(width / 80)), tickFormat: yearTicks([first, last])},
    y: {label: null, tickFormat: tick("people"), ticks: 5, nice: true, zero: true, domain: [0, most]},
    marks
  });
}

const BANDS = [["q025", "q975", 0.16], ["q10", "q90", 0.26], ["q25", "q75", 0.42]];

// Shares of a whole, one bar for each month. parts: [{name, colour, values, low, high}].
export function shares({label, months, parts, width}) {
  const rows = parts.flatMap((part) => months.map((month, k) => ({month: monthText(month), part, value: part.values[k], low: part.low[k], high: part.high[k]})));
  const text = (row) => (row.value >= 0.07 ? percent(row.value) : "");
  const stacked = (options) => Plot.stackX({x: "value", y: "month", order: parts.map((part) => part.name), z: (row) => row.part.name, ...options});
  return draw(label, {
    width, height: 24 + months.length * 30 + 26, marginLeft: 110, marginRight: 14, marginTop: 8, marginBottom: 28,
    x: {label: null, domain: [0, 1], tickFormat: (value) => percent(value)},
    y: {label: null, domain: months.map((month) => monthText(month)), tickSize: 0, padding: 0.25},
    marks: [
      Plot.barX(rows, stacked({fill: (row) => row.part.colour, title: (row) => `${row.part.name}\n${percent(row.value)} (${percent(row.low)}–${percent(row.high)})`})),
      Plot.text(rows, stacked({text, fill: (row) => (isDark(row.part.colour) ? "white" : INK)}))
    ]
  });
}

// A scale for values that are all the same.
function flat(rows) {
  const values = rows.flatMap((row) => [row.value, row.low, row.high]).filter((value) => value !== null);
  const least = Math.min(0, ...values), most = Math.max(0, ...values);
  return least === most ? {domain: [least - 1, most + 1]} : {};
}

function yearTicks(dates) {
  const months = (dates[dates.length - 1] - dates[0]) / 2.6e9;
  return months > 24 ? (when) => String(when.getUTCFullYear()) : (when) => `${when.getUTCFullYear()}-${String(when.getUTCMonth() + 1).padStart(2, "0")}`;
}

export function isSure(row) {
  return row.low !== null && row.low !== undefined && row.low < row.high && (row.low > 0 || row.high < 0);
}

// Areas on each other by month. layers: [{name, colour, values}], the lowest first.
export function layers({label, layers, months, unit, width, height = 260}) {
  const rows = layers.flatMap((layer) => months.map((month, k) => ({month, when: date(month), layer, name: layer.name, value: layer.values[k] ?? 0})));
  return draw(label, {
    width, height, marginLeft: 50, marginRight: 14, marginTop: 12, marginBottom: 26,
    x: {type: "utc", label: null, ticks: Math.max(2, Math.round(width / 80)), tickFormat: yearTicks(months.map(date))},
    y: {label: null, tickFormat: tick(unit), ticks: 5},
    marks: [
      Plot.areaY(rows, Plot.stackY({x: "when", y: "value", z: "name", order: layers.map((layer) => layer.name), fill: (row) => row.layer.colour, fillOpacity: 0.88})),
      Plot.gridY({stroke: "white", strokeOpacity: 0.45, ticks: 5}),
      Plot.tip(rows, Plot.pointer(Plot.stackY({
        x: "when", y: "value", z: "name", order: layers.map((layer) => layer.name), fontSize: 11, lineWidth: 26,
        title: (row) => [row.name, monthText(row.month), level(row.value, unit)].join("\n")
      }))),
      Plot.ruleY([0], {stroke: GREY})
    ]
  });
}

// Differences as dots with intervals, one row for each group. rows: [{name, effect, low, high, sure}].
export function dots({label, rows, unit, width, labels = 170}) {
  const height = 24 + rows.length * 20 + 26;
  const values = rows.flatMap((row) => [row.effect, row.low, row.high]).filter((value) => value !== null);
  const colour = (row) => (row.sure ? (row.effect < 0 ? FEWER : MORE) : "#8a94a3");
  return draw(label, {
    width, height, marginLeft: labels, marginRight: 22, marginTop: 8, marginBottom: 28,
    x: {label: null, tickFormat: tick(unit, true), ticks: Math.max(3, Math.round((width - labels) / 80)), nice: true, domain: values.every((value) => value === 0) ? [-1, 1] : undefined},
    y: {label: null, domain: rows.map((row) => row.name), tickSize: 0, tickFormat: shortened(Math.floor(labels / 6.1))},
    marks: [
      Plot.gridX({stroke: RULE, strokeOpacity: 1}),
      Plot.ruleX([0], {stroke: GREY}),
      Plot.link(rows.filter((row) => row.low !== null), {x1: "low", x2: "high", y1: "name", y2: "name", stroke: colour, strokeWidth: 5, strokeOpacity: (row) => (row.sure ? 0.45 : 0.3)}),
      Plot.dot(rows, {x: "effect", y: "name", r: 3.6, fill: (row) => (row.sure ? colour(row) : "white"), stroke: colour, strokeWidth: 1.4}),
      Plot.tip(rows, Plot.pointerY({
        x: "effect", y: "name", fontSize: 11, lineWidth: 26,
        title: (row) => [row.name, difference(row.effect, unit), row.low === null ? t("no_interval") : interval(row.low, row.high, unit), row.sure ? "" : t("not_sure")].filter(Boolean).join("\n")
      }))
    ]
  });
}

// Two values of each group, joined: hollow the first, filled the last. rows: [{name, first, last, colour}].
export function pairs({label, rows, unit, width, names, labels = 170}) {
  const height = 24 + rows.length * 20 + 26;
  return draw(label, {
    width, height, marginLeft: labels, marginRight: 22, marginTop: 8, marginBottom: 28,
    x: {label: null, tickFormat: tick(unit), ticks: Math.max(3, Math.round((width - labels) / 80)), nice: true, zero: true},
    y: {label: null, domain: rows.map((row) => row.name), tickSize: 0, tickFormat: shortened(Math.floor(labels / 6.1))},
    marks: [
      Plot.gridX({stroke: RULE, strokeOpacity: 1}),
      Plot.ruleX([0], {stroke: GREY}),
      Plot.link(rows, {x1: "first", x2: "last", y1: "name", y2: "name", stroke: "colour", strokeWidth: 2.5, strokeOpacity: 0.5}),
      Plot.dot(rows, {x: "first", y: "name", r: 3.6, fill: "white", stroke: "colour", strokeWidth: 1.5}),
      Plot.dot(rows, {x: "last", y: "name", r: 4.2, fill: "colour"}),
      Plot.tip(rows, Plot.pointerY({
        x: "last", y: "name", fontSize: 11, lineWidth: 26,
        title: (row) => [row.name, `${names[0]}: ${level(row.first, unit)}`, `${names[1]}: ${level(row.last, unit)}`].join("\n")
      }))
    ]
  });
}

// Bars of one value, with its interval if it has one. rows: [{name, value, colour, low?, high?}].
export function bars({label, rows, unit, width, labels = 170}) {
  const height = 24 + rows.length * 20 + 26;
  return draw(label, {
    width, height, marginLeft: labels, marginRight: 56, marginTop: 8, marginBottom: 28,
    x: {label: null, tickFormat: tick(unit), ticks: Math.max(3, Math.round((width - labels) / 90))},
    y: {label: null, domain: rows.map((row) => row.name), tickSize: 0, padding: 0.3, tickFormat: shortened(Math.floor(labels / 6.1))},
    marks: [
      Plot.gridX({stroke: RULE, strokeOpacity: 1}),
      Plot.barX(rows, {x: "value", y: "name", fill: "colour", title: (row) => `${row.name}\n${level(row.value, unit)}`}),
      Plot.ruleY(rows.filter((row) => row.low !== null && row.low !== undefined), {x1: "low", x2: "high", y: "name", stroke: INK, strokeOpacity: 0.6, strokeWidth: 1.4}),
      Plot.text(rows, {x: (row) => Math.max(row.value, row.high ?? row.value), y: "name", text: (row) => tick(unit)(row.value), textAnchor: "start", dx: 4, fill: GREY}),
      Plot.ruleX([0], {stroke: GREY})
    ]
  });
}

// Names as long as the margin, shortened before their last signs, which may tell (i) from (ii).
// Japanese signs are twice as wide.
function shortened(most) {
  const wide = (text) => [...text].reduce((sum, sign) => sum + (sign.charCodeAt(0) > 0x2e7f ? 1.9 : 1), 0);
  return (name) => {
    if (wide(name) <= most) return name;
    const end = name.slice(-6);
    let start = name.slice(0, -6);
    while (start && wide(`${start}…${end}`) > most) start = start.slice(0, -1);
    return `${start}…${end}`;
  };
}

// A scale of colours with its key. signed: about zero, as wide on both sides; else from pale to dark
// in steps of the logarithm.
export function colours(values, signed, widest = Infinity) {
  const known = values.filter((value) => value !== null && Number.isFinite(value) && (signed || value > 0));
  if (signed) {
    const most = Math.min(widest, Math.max(1e-9, ...known.map(Math.abs)));
    return Plot.scale({color: {type: "diverging", scheme: "PuOr", reverse: true, domain: [-most, most], pivot: 0, clamp: true}});
  }
  const most = Math.max(1, ...known), least = Math.min(most, ...known);
  return Plot.scale({color: {type: "log", scheme: "YlGnBu", domain: [least / 1.6, most * 1.2]}});
}

// One tile for each prefecture. tiles: [{code, row, column, name, value, text, tip}], value null: blank.
export function tiles({label, tiles, scale, width, key}) {
  const columns = Math.max(...tiles.map((tile) => tile.column)) + 1;
  const rows = Math.max(...tiles.map((tile) => tile.row)) + 1;
  const side = width / columns, top = 0;
  const svg = element("svg", {
    class: `${CHART_CLASS}`, width, height: rows * side + top, viewBox: `0 0 ${width} ${rows * side + top}`,
    role: "img", "aria-label": label, "font-family": FONT, "text-anchor": "middle", fill: INK
  });
  const widest = Math.max(...tiles.map((tile) => breadth(tile.name)));
  const size = Math.min(12, (side - 6) / Math.max(3.1, widest), side * 0.34);
  for (const tile of tiles) {
    const fill = tile.value === null ? "#ffffff" : scale.apply(tile.value);
    const ink = tile.value !== null && isDark(fill) ? "#ffffff" : INK;
    const group = element("g", {transform: `translate(${tile.column * side},${tile.row * side + top})`});
    group.append(element("rect", {x: 1, y: 1, width: side - 2, height: side - 2, rx: 3, fill, stroke: tile.value === null ? PALE : "#8d97a5", "stroke-width": 0.8}));
    const two = tile.text !== "" && side >= 46;
    group.append(element("text", {x: side / 2, y: side / 2 + (two ? -2 : size * 0.36), "font-size": size.toFixed(1), fill: ink}, tile.name));
    if (two) group.append(element("text", {x: side / 2, y: side / 2 + 12, "font-size": Math.min(10.5, side * 0.19).toFixed(1), fill: ink}, tile.text));
    group.append(element("title", {}, tile.tip));
    svg.append(group);
  }
  if (key) svg.append(colourKey(scale, key, 2, 4, Math.min(240, side * 6.2)));
  return svg;
}

// Width of a text in units of its font size.
function breadth(text) {
  let wide = 0;
  for (const sign of text) wide += sign.charCodeAt(0) > 0x2e7f ? 1.05 : 0.53;
  return wide;
}

export function isDark(colour) {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16))
    : colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  const [r, g, b] = parts.map((part) => ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.22;
}

// The key of a scale of colours: {title, write} at x, y.
function colourKey(scale, {title, write}, x, y, wide) {
  const group = element("g", {transform: `translate(${x},${y})`, "font-size": 10.5, "text-anchor": "start"});
  group.append(element("text", {x: 0, y: 9, "font-weight": 600}, title));
  const steps = 40, [least, most] = [scale.domain[0], scale.domain[scale.domain.length - 1]];
  const at = (share) => (scale.type === "log" ? least * (most / least) ** share : least + (most - least) * share);
  for (let k = 0; k < steps; k++) {
    group.append(element("rect", {x: (wide * k) / steps, y: 15, width: wide / steps + 0.4, height: 8, fill: scale.apply(at((k + 0.5) / steps))}));
  }
  group.append(element("rect", {x: 0, y: 15, width: wide, height: 8, fill: "none", stroke: PALE, "stroke-width": 0.6}));
  for (const share of [0, 0.5, 1]) {
    group.append(element("text", {x: wide * share, y: 35, fill: GREY, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle"}, write(at(share))));
  }
  return group;
}

// Places over the land: circles [{x, y, area, fill, dot, tip}], area 0 to 1 of the largest; or, with
// shapes {grid, rings}, the places themselves, those without a shape as dots.
export function places({label, circles, shapes, coast, scale, key, width, most = 26, dotted = 1.1}) {
  const [main, ...insets] = coast.frames;
  const height = Math.round(width * 0.98);
  const svg = element("svg", {
    class: CHART_CLASS, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label,
    "font-family": FONT, "font-size": 11, fill: INK
  });
  svg.append(frame(main, 0, 0, width, height));
  insets.forEach((inset, k) => {
    const wide = width * 0.3, high = wide * 0.72;
    const box = element("g", {transform: `translate(${width * 0.015 + k * (wide + 10)},${height * 0.2})`});
    box.append(element("rect", {x: 0, y: 0, width: wide, height: high, fill: "#fafbfc", stroke: PALE}));
    box.append(frame(inset, 0, 0, wide, high));
    box.append(element("text", {x: 6, y: 15, fill: GREY}, say(inset.name)));
    svg.append(box);
  });
  if (scale) svg.append(colourKey(scale, key, 4, 4, Math.min(260, width * 0.4)));
  return svg;

  function frame(own, x, y, wide, high) {
    const project = projection(own, wide, high);
    const inside = circles.filter((circle) => inFrame(own, circle)).sort((a, b) => b.area - a.area);
    const group = element("g", {transform: `translate(${x},${y})`});
    const land = coast.land.coordinates
      .filter((polygon) => polygon[0].some(([lon, lat]) => inFrame(own, {x: lon, y: lat})))
      .map((polygon) => polygon.map((ring) => `M${ring.map(([lon, lat]) => project(lon, lat).map((v) => v.toFixed(1)).join(",")).join("L")}Z`).join("")).join("");
    group.append(element("path", {d: land, fill: "#f1f3f5", stroke: "#b8c0ca", "stroke-width": 0.6}));
    for (const circle of inside) {
      const rings = shapes?.rings[circle.place] ?? [];
      if (rings.length) {
        const d = rings.map((ring) => outline(ring, shapes.grid, project)).join("");
        const made = element("path", {d, fill: circle.dot ? "#ffffff" : circle.fill, "fill-rule": "evenodd", stroke: "#aab3be", "stroke-width": 0.3});
        made.append(element("title", {}, circle.tip));
        group.append(made);
        continue;
      }
      const [cx, cy] = project(circle.x, circle.y);
      const r = circle.dot || shapes ? dotted : Math.max(1.2, most * Math.sqrt(circle.area));
      const made = element("circle", {
        cx: cx.toFixed(1), cy: cy.toFixed(1), r: r.toFixed(2), fill: circle.fill,
        stroke: circle.dot ? "none" : "#ffffff", "stroke-width": 0.5, "fill-opacity": 0.86
      });
      made.append(element("title", {}, circle.tip));
      group.append(made);
    }
    return group;
  }
}

// A ring as the document has it: the first corner, then steps.
function outline(ring, grid, project) {
  let [x, y] = ring, path = "";
  for (let k = 0; k < ring.length; k += 2) {
    if (k) (x += ring[k]), (y += ring[k + 1]);
    path += `${k ? "L" : "M"}${project(x * grid, y * grid).map((v) => v.toFixed(1)).join(",")}`;
  }
  return `${path}Z`;
}

export function inFrame(frame, {x, y}) {
  return x >= frame.west && x <= frame.east && y >= frame.south && y <= frame.north;
}

// Mercator, as large as fits.
function projection(frame, wide, high) {
  const up = (lat) => Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) * (180 / Math.PI);
  const spanX = frame.east - frame.west, spanY = up(frame.north) - up(frame.south);
  const size = Math.min(wide / spanX, high / spanY);
  const left = (wide - size * spanX) / 2, top = (high - size * spanY) / 2;
  return (lon, lat) => [left + size * (lon - frame.west), top + size * (up(frame.north) - up(lat))];
}

// Ribbons from groups on the left to groups on the right. left, right: [{code, name, colour}] in order;
// links: [[from, to, people]]. Returns {svg, left out: [count, people]}.
export function ribbons({label, left, right, links, width, height = 470}) {
  const total = links.reduce((sum, link) => sum + link[2], 0) || 1;
  const kept = links.filter((link) => link[2] >= 0.001 * total);
  const lost = links.filter((link) => link[2] < 0.001 * total);
  const nodes = [
    ...left.map((one) => ({...one, id: `<${one.code}`})), ...right.map((one) => ({...one, id: `>${one.code}`}))
  ].filter((node) => kept.some(([from, to]) => `<${from}` === node.id || `>${to}` === node.id));
  const graph = layout()
    .nodeId((node) => node.id).nodeWidth(12).nodePadding(13).nodeSort(null).linkSort(null)
    .extent([[205, 26], [width - 205, height - 6]])({
      nodes: nodes.map((node) => ({...node})),
      links: kept.slice().sort((a, b) => place(a) - place(b)).map(([from, to, people]) => ({source: `<${from}`, target: `>${to}`, value: people}))
    });
  const svg = element("svg", {
    class: CHART_CLASS, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label,
    "font-family": FONT, "font-size": 12, fill: INK
  });
  const path = sankeyLinkHorizontal();
  for (const link of graph.links) {
    const made = element("path", {d: path(link), fill: "none", stroke: link.source.colour, "stroke-opacity": 0.4, "stroke-width": Math.max(0.6, link.width)});
    made.append(element("title", {}, `${link.source.name} → ${link.target.name}\n${level(link.value, "people")}`));
    svg.append(made);
  }
  for (const side of ["<", ">"]) {
    const own = graph.nodes.filter((node) => node.id[0] === side);
    const places = spread(own.map((node) => (node.y0 + node.y1) / 2), 29, 30, height - 18);
    own.forEach((node, k) => {
      const out = side === "<" ? -1 : 1, edge = side === "<" ? node.x0 : node.x1;
      svg.append(element("rect", {x: node.x0, y: node.y0, width: node.x1 - node.x0, height: Math.max(1, node.y1 - node.y0), fill: node.colour}));
      svg.append(element("path", {d: `M${edge + 2 * out},${(node.y0 + node.y1) / 2}L${edge + 9 * out},${places[k]}`, stroke: PALE, fill: "none"}));
      const anchor = {x: edge + 12 * out, "text-anchor": side === "<" ? "end" : "start"};
      svg.append(element("text", {...anchor, y: places[k] - 1, "font-weight": 600}, node.name));
      svg.append(element("text", {...anchor, y: places[k] + 12, fill: GREY, "font-size": 11}, level(node.value, "people")));
    });
  }
  svg.append(element("text", {x: 205, y: 14, fill: GREY, "text-anchor": "start"}, t("before")));
  svg.append(element("text", {x: width - 205, y: 14, fill: GREY, "text-anchor": "end"}, t("after")));
  return {svg, lost: [lost.length, lost.reduce((sum, link) => sum + link[2], 0)]};

  function place([from, to]) {
    return left.findIndex((one) => one.code === from) * 100 + right.findIndex((one) => one.code === to);
  }
}

// Places in order, moved apart so that none is nearer than `gap` to the next.
function spread(places, gap, least, most) {
  const out = places.slice();
  for (let k = 0; k < out.length; k++) out[k] = Math.max(out[k], k ? out[k - 1] + gap : least);
  for (let k = out.length - 1; k >= 0; k--) out[k] = Math.min(out[k], k < out.length - 1 ? out[k + 1] - gap : most);
  return out;
}

// Two pyramids on each other: filled and outline, women left. sides: {filled, outline}: sex -> people by band.
export function pyramid({label, bands, filled, outline, sexes, width, height = 300}) {
  const sign = (sex) => (sex === sexes[0] ? -1 : 1);
  const rows = (side) => sexes.flatMap((sex) => bands.map((band, k) => ({band, sex, people: sign(sex) * (side[sex]?.[k] ?? 0)})));
  const most = Math.max(1, ...[...rows(filled), ...rows(outline)].map((row) => Math.abs(row.people)));
  const edge = (sex) => {
    const steps = rows(outline).filter((row) => row.sex === sex);
    return steps.flatMap((row) => [{x: row.people, y: row.band}, {x: row.people, y: row.band + 5}]);
  };
  return draw(label, {
    width, height, marginLeft: 40, marginRight: 14, marginTop: 18, marginBottom: 28,
    x: {label: null, domain: [-1.04 * most, 1.04 * most], tickFormat: (value) => tick("people")(Math.abs(value)), ticks: 6},
    y: {label: null, domain: [0, bands[bands.length - 1] + 5], ticks: 8},
    marks: [
      Plot.gridX({stroke: RULE, strokeOpacity: 1}),
      Plot.rect(rows(filled), {x1: 0, x2: "people", y1: "band", y2: (row) => row.band + 5, fill: (row) => (row.sex === sexes[0] ? "#8f6bb5" : "#3f8fb5"), insetTop: 0.6, insetBottom: 0.6,
        title: (row) => `${row.band}–${row.band + 4}\n${level(Math.abs(row.people), "people")}`}),
      ...sexes.map((sex) => Plot.line(edge(sex), {x: "x", y: "y", stroke: INK, strokeWidth: 1.1})),
      Plot.ruleX([0], {stroke: GREY}),
      Plot.text([{x: -most, text: t("women"), anchor: "start"}, {x: most, text: t("men"), anchor: "end"}].slice(0, 1), {x: "x", y: bands[bands.length - 1] + 5, dy: -8, text: "text", textAnchor: "start", fill: GREY}),
      Plot.text([{x: most, text: t("men")}], {x: "x", y: bands[bands.length - 1] + 5, dy: -8, text: "text", textAnchor: "end", fill: GREY})
    ]
  });
}
