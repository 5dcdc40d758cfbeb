// Saving a table as CSV and a figure as PNG, without asking anybody.

import {FONT, GREY, INK} from "./look.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 24, LINE = 18, SCALE = 2;

// A cell as CSV. Text that a spreadsheet would take for a formula gets an apostrophe before it.
export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// A table {columns, rows} as CSV with a byte order mark, which spreadsheets need to see UTF-8.
export function csv({columns, rows}) {
  return `\ufeff${[columns.map((column) => column.name), ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

export function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], {type}));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// The charts of a figure as one picture, with its title, notes, legend and where it came from.
// parts: [{title, svg}] side by side; legend: [{name, colour, dash?, square?}].
export async function png({title, notes, legend, parts, footer}) {
  const sizes = parts.map(({svg}) => [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height]);
  const wide = Math.max(640, sizes.reduce((sum, [w]) => sum + w + MARGIN, MARGIN));
  const titles = wrapped(title, (wide - 2 * MARGIN) / 9.4), small = (wide - 2 * MARGIN) / 6.2;
  const under = notes.filter(Boolean).flatMap((note) => wrapped(note, small));
  const headed = parts.some((part) => part.title);
  let y = MARGIN;
  const root = document.createElementNS(SVG, "svg");
  root.setAttribute("font-family", FONT);
  root.setAttribute("fill", INK);
  const write = (x, text, size, fill, weight) => {
    const made = document.createElementNS(SVG, "text");
    Object.entries({x, y, "font-size": size, fill, "font-weight": weight}).forEach(([key, value]) => made.setAttribute(key, value));
    made.textContent = text;
    root.append(made);
  };
  for (const line of titles) write(MARGIN, line, 16, INK, 700, (y += 8)), (y += 16);
  y += 2;
  let x = MARGIN;
  for (const {name, colour, dash, square} of legend) {
    const length = 30 + breadth(name) * 6.4;
    if (x > MARGIN && x + length > wide - MARGIN) (x = MARGIN), (y += LINE);
    const mark = document.createElementNS(SVG, square ? "rect" : "path");
    const look = square ? {x, y: y - 9, width: 14, height: 10, fill: colour} : {d: `M${x - 4},${y - 4}h19`, stroke: colour, "stroke-width": 2.4, "stroke-dasharray": dash || "none"};
    Object.entries(look).forEach(([key, value]) => mark.setAttribute(key, value));
    root.append(mark);
    write(x + 19, name, 12, INK, 400);
    x += length;
  }
  y += legend.length ? LINE : 0;
  x = MARGIN;
  const top = y + (headed ? LINE : 0);
  parts.forEach(({title: own, svg}, k) => {
    if (own) write(x, own, 12.5, GREY, 600);
    const copy = svg.cloneNode(true);
    Object.entries({x, y: top, width: sizes[k][0], height: sizes[k][1]}).forEach(([key, value]) => copy.setAttribute(key, value));
    root.append(copy);
    x += sizes[k][0] + MARGIN;
  });
  y = top + Math.max(...sizes.map(([, h]) => h)) + LINE;
  for (const line of [...under, ...wrapped(footer, small)]) write(MARGIN, line, 10.5, GREY, 400), (y += 15);
  const high = y + MARGIN / 2;
  Object.entries({xmlns: SVG, width: wide * SCALE, height: high * SCALE, viewBox: `0 0 ${wide} ${high}`}).forEach(([key, value]) => root.setAttribute(key, value));

  const address = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(root)], {type: "image/svg+xml"}));
  try {
    const image = new Image();
    await new Promise((done, fail) => Object.assign(image, {onload: done, onerror: () => fail(new Error("the picture cannot be drawn")), src: address}));
    const canvas = Object.assign(document.createElement("canvas"), {width: wide * SCALE, height: high * SCALE});
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(address);
  }
}

function breadth(text) {
  let wide = 0;
  for (const sign of text) wide += sign.charCodeAt(0) > 0x2e7f ? 1.9 : 1;
  return wide;
}

// Text in lines of at most so many signs, Japanese counted double.
function wrapped(text, most) {
  const lines = [""];
  for (const word of text.split(/(?<=\s)|(?<=[\u2e80-\uffef])/)) {
    const last = lines[lines.length - 1];
    if (last && breadth(last + word.trimEnd()) > most) lines.push(word);
    else lines[lines.length - 1] = last + word;
  }
  return lines;
}
