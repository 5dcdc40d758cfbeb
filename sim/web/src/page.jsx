// The page: a summary of two printed pages, then everything by section.

import {render} from "preact";
import {useEffect, useMemo, useState} from "preact/hooks";
import * as charts from "./charts.js";
import {Figure, Table} from "./figure.jsx";
import {difference, interval, level, monthText, percent, tick} from "./format.js";
import {ARM_COLOURS, ARM_DASHES, FEWER, INK, MORE, QUIET} from "./look.js";
import {bracketed, getLanguage, joined, LANGUAGES, say, sentence, setLanguage, t} from "./words.js";
import "./page.css";

const doc = JSON.parse(document.getElementById("document").textContent);
const BASE = doc.arms[0].code;
const LAST = doc.named[doc.named.length - 1];
const COAST = COASTS[doc.country.code];
const PRINTED = 14; // levers that the second printed page has room for
const FEW = 30; // simulated people of a municipality, below which its change is not told
const HALF = 470, THIRD = 310, WHOLE = 980;
const UNITS = Object.fromEntries(doc.indicators.map((one) => [one.code, one.unit]));
const hasEffects = doc.arms.length > 1 && Object.keys(doc.effects).length > 0;

const armOf = (code) => doc.arms.find((arm) => arm.code === code);
const placeOf = (code) => doc.arms.findIndex((arm) => arm.code === code);
const colourOf = (code) => ARM_COLOURS[placeOf(code) % ARM_COLOURS.length];
// With more scenarios than colours, those of one colour have another dash.
const dashOf = (code) => ARM_DASHES[(placeOf(code) + Math.floor(placeOf(code) / ARM_COLOURS.length)) % ARM_DASHES.length];
const unitOf = (code) => say(doc.units[UNITS[code]]);
const indicatorOf = (code) => doc.indicators.find((one) => one.code === code);
const isFlow = (code) => UNITS[code] === "people a year";
const lastOf = (values) => values?.[values.length - 1] ?? null;

function footer() {
  if (doc.projection) return t("footer_projection", {...doc.facts, ...doc.projection, kind: t("kind_projection")});
  const {version, start, end, scale, seed, runs} = doc.facts;
  const others = runs.reduce((sum, count) => sum + count, 0) - 1;
  const number = doc.kind === "run" && others > 0 ? `${doc.facts.number} (+${others})` : doc.facts.number;
  if (doc.kind === "comparison") return t("footer_comparison", {...doc.facts, kind: t("kind_comparison")});
  return t("footer", {version, kind: t(`kind_${doc.kind}`), number, start, end, scale, seed});
}

function bandNote() {
  if (doc.projection) return t("band_members", {confidence: percent(doc.facts.confidence), members: doc.projection.members});
  return doc.facts.replicates > 1 ? t(doc.facts.drawn ? "band_drawn" : "band", {confidence: percent(doc.facts.confidence)}) : "";
}

const armLegend = (codes) => codes.map((code) => ({
  name: code === BASE && doc.arms.length > 1 ? bracketed(say(armOf(code).title), t("baseline")) : say(armOf(code).title),
  colour: colourOf(code), dash: dashOf(code)
}));

// ---------------------------------------------------------------------------------------------
// One indicator: level and difference side by side, map where it is known by place, table.

function levelLines(code) {
  return doc.arms.map((arm) => ({code: arm.code, own: doc.values[code]?.[arm.code]})).filter((line) => line.own)
    .map(({code: arm, own}) => ({name: say(armOf(arm).title), colour: colourOf(arm), dash: dashOf(arm), values: own.mean, low: own.low, high: own.high}));
}

function effectLines(code) {
  return doc.arms.slice(1).map((arm) => ({code: arm.code, own: doc.effects[code]?.[arm.code]})).filter((line) => line.own)
    .map(({code: arm, own}) => ({name: say(armOf(arm).title), colour: colourOf(arm), dash: dashOf(arm), values: own.effect, low: own.low, high: own.high, inner: doc.facts.drawn ? [own.random_low, own.random_high] : undefined}));
}

function indicatorTable(code) {
  const unit = UNITS[code];
  const columns = [{name: t("month")}], writes = [null], series = [];
  for (const arm of doc.arms) {
    const own = doc.values[code]?.[arm.code];
    if (!own) continue;
    for (const part of ["mean", "low", "high"]) {
      if (!own[part]) continue;
      columns.push({name: part === "mean" ? say(arm.title) : `${say(arm.title)}, ${t(part)}`, number: true});
      writes.push((value) => level(value, unit));
      series.push(own[part]);
    }
  }
  for (const arm of doc.arms.slice(1)) {
    const own = doc.effects[code]?.[arm.code];
    if (!own) continue;
    for (const part of ["effect", "low", "high", ...(doc.facts.drawn ? ["random_low", "random_high"] : [])]) {
      if (!own[part]) continue;
      columns.push({name: `${t(isFlow(code) ? "difference_sum" : "difference")}: ${say(arm.title)}${part === "effect" ? "" : `, ${t(part)}`}`, number: true});
      writes.push((value) => difference(value, unit));
      series.push(own[part]);
    }
  }
  return {columns, write: writes, rows: doc.months.map((month, k) => [month, ...series.map((values) => values[k])])};
}

function IndicatorFigure({code, arm, width, height, heading, id = code, map = true, quiet}) {
  const unit = UNITS[code], label = say(indicatorOf(code).label);
  const effects = effectLines(code);
  const parts = [{
    title: bracketed(t("level"), unitOf(code)),
    draw: () => charts.lines({label, lines: levelLines(code), months: doc.months, unit, width, height})
  }];
  if (effects.length) {
    parts.push({
      title: bracketed(t(isFlow(code) ? "difference_sum" : "difference"), unit === "share" ? t("points") : say(doc.units[isFlow(code) ? "people" : unit])),
      draw: () => charts.lines({label, lines: effects, months: doc.months, unit, width, height, signed: true})
    });
  }
  const by = doc.splits.prefecture?.[code];
  const mapParts = map ? (by ? [{draw: () => prefectureTiles(code, arm, WHOLE * 0.8)}] : null) : undefined;
  return <Figure id={`figure-${id}`} title={label} heading={heading} parts={parts} mapParts={mapParts} table={indicatorTable(code)} footer={footer()}
    legend={armLegend(doc.arms.filter((one) => doc.values[code]?.[one.code]).map((one) => one.code))}
    quiet={quiet} notes={[effects.length ? `${bandNote()}${bandNote() ? "; " : ""}${t("pale_line")}` : bandNote()]} on={[code, arm]} />;
}

// ---------------------------------------------------------------------------------------------
// A projection: fans, what moves them, quantiles by group.

const LEVELS = ["95%", "80%", "50%"], OPACITIES = [0.16, 0.42, 0.72];
const fanned = doc.projection && doc.projection.fans[0].quantiles.q25.some((value) => value !== null);

function drawnText() {
  return t("fan_note", {members: doc.projection.members, drawn: joined(...doc.projection.drawn.map(say))});
}

function FanFigure({fan, id, width, height, heading, small = false}) {
  const {colour, names} = doc.projection, label = say(fan.label);
  const beside = fan.beside.map((one) => ({...one, name: say(one.label)}));
  const bands = fanned ? LEVELS.map((name, k) => ({name: t("interval_of", {level: name}), colour: shade(colour, OPACITIES[k]), square: true}))
    : [{name: t("lowest_highest"), colour: shade(colour, OPACITIES[1]), square: true}];
  const months = [...new Set([...fan.past, ...beside.flatMap((one) => one.points)].map(([month]) => month).concat(fan.months))].filter((month) => month <= LAST).sort();
  const at = (points) => Object.fromEntries(points);
  const columns = [{name: t("month")}, {name: t("published"), number: true}, ...names.map((name) => ({name: quantileText(name), number: true})), ...beside.map(({name}) => ({name, number: true}))];
  const rows = months.map((month) => {
    const k = fan.months.indexOf(month);
    return [month, at(fan.past)[month] ?? null, ...names.map((name) => (k < 0 ? null : fan.quantiles[name][k])), ...beside.map((one) => at(one.points)[month] ?? null)];
  });
  return <Figure id={`figure-${id}`} title={label} heading={heading} footer={footer()} quiet={{notes: small}}
    legend={[...(small ? [] : [{name: t("median"), colour}, ...bands, {name: t("published"), colour: INK, square: true}]), ...beside.map(({name, colour: own}) => ({name, colour: own, dash: "2 3"}))]}
    parts={[{title: unitOf("residents"), draw: () => charts.fan({label, fan: {...fan, beside}, colour, width, height})}]}
    table={{columns, write: [null, ...columns.slice(1).map(() => (value) => level(value, "people"))], rows}}
    notes={[drawnText()]} />;
}

// A colour as it looks on white with this opacity.
function shade(colour, opacity) {
  const parts = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
  return `#${parts.map((part) => Math.round(255 - (255 - part) * opacity).toString(16).padStart(2, "0")).join("")}`;
}

function quantileText(name) {
  return name === "median" ? t("median") : `${Number(`${name.slice(1, 3)}.${name.slice(3) || 0}`)}%`;
}

function SplitFigure({width}) {
  const {split} = doc.projection, title = t("split_title");
  if (!split) return <p class="missing">{t("split_none")}</p>;
  const parts = split.sources.map(({label, colour, share, low, high}) => ({name: say(label), colour, values: share, low, high}));
  const columns = [{name: t("source")}, ...split.months.map((month) => ({name: monthText(month), number: true}))];
  return <Figure id="figure-split" title={title} footer={footer()} legend={parts.map(({name, colour}) => ({name, colour, square: true}))}
    parts={[{draw: () => charts.shares({label: title, months: split.months, parts, width})}]}
    table={{columns, write: [], rows: parts.map(({name, values, low, high}) => [name, ...values.map((value, k) => `${percent(value)} (${percent(low[k])}–${percent(high[k])})`)])}}
    notes={[t("split_note")]} />;
}

function QuantileTables() {
  const {tables, names} = doc.projection;
  const [by, setBy] = useState(tables[0].by), [month, setMonth] = useState(LAST);
  const own = tables.find((one) => one.by === by), title = t("quantiles_title", {month: monthText(month)});
  const columns = [{name: t("group")}, ...names.map((name) => ({name: quantileText(name), number: true}))];
  const rows = own.groups.map(({label}, k) => [say(label), ...own.months[month][k]]).filter(([, ...cells]) => cells.some((value) => value !== null && value > 0));
  const write = [null, ...names.map(() => (value) => level(value, "people"))];
  return (
    <>
      <h3>{title}</h3>
      <Choice label={t("group")} value={by} onChange={setBy} options={tables.map((one) => [one.by, t(`by_${one.by}`)])} />
      <Choice label={t("month")} value={month} onChange={setMonth} options={doc.named.map((one) => [one, monthText(one)])} />
      <Table label={title} columns={columns} write={write} rows={rows} />
      <p class="small">{drawnText()} {t("quantiles_note")}</p>
    </>
  );
}

// Municipalities, moves, firms and ages are not told by members.
function DetailNote() {
  return doc.projection ? <p class="small">{t("detail_note", {member: doc.projection.nearest, scale: doc.facts.scale})}</p> : null;
}

function Projection() {
  const [residents, ...others] = doc.projection.fans;
  return (
    <>
      <FanFigure heading="h2" fan={residents} id="fan-residents" width={WHOLE} height={215} />
      <div class="headline">
        {others.map((fan, k) => <FanFigure heading="h2" fan={fan} id={`fan-${k + 1}`} width={THIRD} height={150} small />)}
      </div>
    </>
  );
}

// ---------------------------------------------------------------------------------------------
// Who: by status, origin, age.

function splitOf(by, code, month, arm) {
  return doc.splits[by]?.[code]?.[month]?.[arm];
}

function groupRows(by, code, arm, month = LAST) {
  const own = splitOf(by, code, month, arm), base = splitOf(by, code, month, BASE);
  return doc.groups[by].map((body, k) => ({
    group: body.code, body, name: say(body.label), colour: body.colour ?? "#5b6573", value: own?.mean?.[k] ?? null, base: base?.mean?.[k] ?? null,
    effect: own?.effect?.[k] ?? null, low: own?.low?.[k] ?? null, high: own?.high?.[k] ?? null, sure: own?.sure?.[k] ?? false
  }));
}

function WhoFigure({by, code, arm, id, most, width = HALF, labels = 168}) {
  const effect = hasEffects && arm !== BASE;
  const rows = groupRows(by, code, arm);
  const size = (row) => Math.abs((effect ? row.effect : row.value) ?? 0);
  const all = rows.filter((row) => row.value !== null && (row.value > 0 || size(row) > 0)).sort((a, b) => size(b) - size(a));
  const shown = distinct(all.slice(0, most));
  const month = monthText(LAST), unit = UNITS[code];
  const key = by === "status" ? (effect ? "who_title_diff" : "who_title") : (effect ? "origin_title_diff" : "origin_title");
  const columns = [{name: t("group")}, {name: say(armOf(arm).title), number: true}];
  const write = [null, (value) => level(value, unit)];
  const ranged = !effect && all.some((row) => row.low !== null);
  if (effect) {
    columns.push({name: say(armOf(BASE).title), number: true}, {name: t("difference"), number: true}, {name: t("low"), number: true}, {name: t("high"), number: true});
    write.push((value) => level(value, unit), ...[0, 1, 2].map(() => (value) => difference(value, unit)));
  } else if (ranged) {
    columns.push({name: t("low"), number: true}, {name: t("high"), number: true});
    write.push(...[0, 1].map(() => (value) => level(value, unit)));
  }
  return <Figure id={id} title={t(key, {month})} footer={footer()} on={[arm, by]}
    parts={[{draw: () => (effect ? charts.dots({label: t(key, {month}), rows: shown, unit, width, labels})
      : charts.bars({label: t(key, {month}), rows: shown, unit, width, labels}))}]}
    table={{columns, write, rows: all.map((row) => [row.name, row.value, ...(effect ? [row.base, row.effect, row.low, row.high] : ranged ? [row.low, row.high] : [])])}}
    notes={[all.length > shown.length ? `${sentence(t("who_first", {count: shown.length}))} ${sentence(say(armOf(arm).title))}` : sentence(say(armOf(arm).title)), effect ? surenessNote(all) : ranged ? sentence(t("range_line", {confidence: percent(doc.facts.confidence)})) : ""]} />;
}

// Names that tell rows apart: two groups may have one label.
function distinct(rows) {
  const seen = new Map();
  return rows.map((row) => {
    const times = seen.get(row.name) ?? 0;
    seen.set(row.name, times + 1);
    return times ? {...row, name: `${row.name} (${times + 1})`} : row;
  });
}

function surenessNote(rows) {
  const known = rows.filter((row) => row.effect !== null && row.low !== null);
  if (!known.length) return t("no_interval");
  const sure = known.filter((row) => row.sure).length;
  if (doc.facts.drawn) return t("sure_count", {sure: level(sure, "people"), all: level(known.length, "people")});
  const chance = known.length * (1 - doc.facts.confidence);
  const text = t("blank_count", {sure: level(sure, "people"), all: level(known.length, "people"), chance: Math.round(chance)});
  return sure > 0 && sure <= 1.2 * chance ? `${text} ${t("only_chance")}` : text;
}

function AgesFigure({arm}) {
  if (!doc.ages) return null;
  const own = doc.ages.arms[arm], base = doc.ages.arms[BASE];
  const against = hasEffects && arm !== BASE;
  const sexes = Object.keys(own[1]);
  const first = monthText(doc.months[0]), last = monthText(LAST), name = say(armOf(arm).title);
  const outline = against ? base[1] : own[0];
  const highest = Math.max(...sexes.flatMap((sex) => own[1][sex]));
  const shown = doc.ages.bands.filter((band, k) => band < 85 || sexes.some((sex) => own[1][sex][k] > 0.004 * highest));
  const columns = [{name: t("age")}, ...sexes.flatMap((sex) => [own[1], outline].map((_, k) => ({
    name: `${t(sex === sexes[0] ? "women" : "men")}, ${k === 0 ? `${name}, ${last}` : against ? `${t("baseline")}, ${last}` : first}`, number: true
  })))];
  const title = against ? t("ages_title_diff", {month: last}) : t("ages_title");
  return <Figure id="figure-ages" title={title} footer={footer()} on={[arm]}
    parts={[{draw: () => charts.pyramid({label: title, bands: shown, filled: own[1], outline, sexes, width: HALF})}]}
    table={{columns, write: [null, ...columns.slice(1).map(() => (value) => level(value, "people"))], rows: doc.ages.bands.map((band, k) => [`${band}–${band + 4}`, ...sexes.flatMap((sex) => [own[1][sex][k], outline[sex]?.[k] ?? 0])])}}
    notes={[against ? t("ages_note_base", {arm: name, last}) : t("ages_note", {arm: name, first, last})]} />;
}

function CompositionFigure({arm}) {
  const own = doc.composition[arm];
  const groups = doc.status_groups.filter(({code}) => own?.[code]);
  if (!groups.length) return null;
  const stack = groups.map(({code, ...body}) => ({name: say(body.label), colour: body.colour, values: own[code]}));
  const title = t("composition_title");
  return <Figure id="figure-composition" title={title} footer={footer()} on={[arm]}
    legend={stack.map(({name, colour}) => ({name, colour, square: true}))}
    parts={[{draw: () => charts.layers({label: title, layers: stack, months: doc.months, unit: "people", width: HALF})}]}
    table={{columns: [{name: t("month")}, ...stack.map(({name}) => ({name, number: true}))], write: [null, ...stack.map(() => (value) => level(value, "people"))], rows: doc.months.map((month, k) => [month, ...stack.map(({values}) => values[k])])}}
    notes={[sentence(say(armOf(arm).title))]} />;
}

// ---------------------------------------------------------------------------------------------
// Where: prefectures as tiles, municipalities as circles.

function shortPlace(name) {
  return getLanguage() === "ja" && name.length > 2 ? name.replace(/[都府県]$/, "") : name;
}

function prefectureRows(code, arm) {
  const effect = hasEffects && arm !== BASE;
  return groupRows("prefecture", code, arm).map((row) => {
    const relative = row.base ? row.effect / row.base : null;
    const points = UNITS[code] === "share";
    const shown = effect ? (row.sure ? (points ? row.effect : relative) : null) : row.value;
    return {...row, row: row.body.row, column: row.body.column, relative, shown};
  });
}

function prefectureTiles(code, arm, width) {
  const effect = hasEffects && arm !== BASE, unit = UNITS[code], points = unit === "share";
  const rows = prefectureRows(code, arm);
  const scale = charts.colours(rows.map((row) => row.shown), effect);
  const short = (value) => (effect ? (points ? difference(value, unit) : percent(value, true)) : points ? level(value, unit) : tick(unit)(value));
  return charts.tiles({
    label: t(effect ? "where_title_diff" : "where_title", {month: monthText(LAST)}), width, scale,
    key: rows.some((row) => row.shown !== null) && {title: effect ? (points ? t("points") : "%") : unitOf(code), write: short},
    tiles: rows.map((row) => ({
      ...row, value: row.shown, name: shortPlace(row.name), text: row.shown === null ? "" : short(row.shown),
      tip: [row.name, level(row.value, unit), ...(effect ? [difference(row.effect, unit), interval(row.low, row.high, unit), row.sure ? "" : t("not_sure")] : [])].filter(Boolean).join("\n")
    }))
  });
}

function WhereFigure({arm, id, width}) {
  const code = "residents", effect = hasEffects && arm !== BASE, unit = UNITS[code];
  const rows = prefectureRows(code, arm);
  const title = t(effect ? "where_title_diff" : "where_title", {month: monthText(LAST)});
  const columns = [{name: t("prefecture")}, {name: say(armOf(arm).title), number: true}];
  const write = [null, (value) => level(value, unit)];
  if (effect) {
    columns.push({name: say(armOf(BASE).title), number: true}, {name: t("difference"), number: true}, {name: t("low"), number: true}, {name: t("high"), number: true});
    write.push((value) => level(value, unit), ...[0, 1, 2].map(() => (value) => difference(value, unit)));
  }
  const sorted = rows.slice().sort((a, b) => (effect ? a.effect - b.effect : b.value - a.value));
  const chart = () => (effect ? charts.dots({label: title, rows: sorted, unit, width: Math.min(width, 760), labels: 110}) : charts.bars({label: title, rows: sorted.map((row) => ({...row, colour: "#0072B2"})), unit, width: Math.min(width, 760), labels: 110}));
  return <Figure id={id} title={title} footer={footer()} on={[arm]} start="map" parts={[{draw: chart}]}
    mapParts={[{draw: () => prefectureTiles(code, arm, width)}]}
    table={{columns, write, rows: rows.map((row) => [row.name, row.value, ...(effect ? [row.base, row.effect, row.low, row.high] : [])])}}
    notes={[effect ? `${t("blank")} ${surenessNote(rows)}` : "", sentence(say(armOf(arm).title))]} />;
}

function TownsFigure({arm}) {
  if (!doc.places || !COAST) return <p class="missing">{t("no_towns")}</p>;
  const prefectureNames = new Map(doc.groups.prefecture.map((one) => [one.code, say(one.label)]));
  const {codes, names, prefectures, longitude, latitude, arms} = doc.places;
  const own = arms[arm], base = arms[BASE], effect = Boolean(own.effect), shaped = Boolean(doc.places.shapes);
  const first = monthText(doc.months[0]), last = monthText(LAST);
  const rows = codes.map((code, k) => ({
    place: k, code, name: names[k], prefecture: prefectureNames.get(prefectures[k]), x: longitude[k], y: latitude[k],
    first: own.first[k], last: own.last[k], base: base.last[k], effect: own.effect?.[k] ?? null, low: own.low?.[k] ?? null,
    high: own.high?.[k] ?? null, sure: own.sure?.[k] ?? false, growth: own.first[k] > 0 ? own.last[k] / own.first[k] - 1 : null,
    few: own.last[k] * doc.facts.scale * doc.facts.replicates < FEW
  }));
  const size = (row) => (effect ? (row.sure ? Math.abs(row.effect) : 0) : row.last);
  const largest = Math.max(...rows.map(size), 1);
  const whole = rows.reduce((sum, row) => sum + row.last, 0) / Math.max(1, rows.reduce((sum, row) => sum + row.first, 0)) - 1;
  const scale = effect ? null : charts.colours(rows.filter((row) => !row.few && row.growth !== null).map((row) => row.growth - whole), true, 0.6);
  const fill = (row) => (effect ? (!row.sure ? QUIET : row.effect < 0 ? FEWER : MORE) : row.few || row.growth === null ? QUIET : scale.apply(row.growth - whole));
  const title = t(effect ? "towns_title_diff" : "towns_title", {count: level(rows.length, "people"), month: last});
  const outside = rows.filter((row) => !COAST.frames.some((frame) => charts.inFrame(frame, row)));
  const map = () => charts.places({
    label: title, width: 760, coast: COAST, shapes: doc.places.shapes, scale, most: effect ? 20 : 26,
    key: {title: t("towns_change", {first}), write: (value) => percent(value + whole, true)},
    circles: rows.map((row) => ({
      ...row, area: size(row) / largest, dot: effect && !row.sure, fill: fill(row),
      tip: [`${row.name} (${row.prefecture})`, `${last}: ${level(row.last, "people")}`, ...(effect ? [difference(row.effect, "people"), interval(row.low, row.high, "people"), row.sure ? "" : t("not_sure")] : [`${first}: ${level(row.first, "people")}`, percent(row.growth, true)])].filter(Boolean).join("\n")
    }))
  });
  const columns = [{name: t("place")}, {name: "code"}, {name: t("prefecture")}, {name: first, number: true}, {name: last, number: true}];
  const write = [null, null, null, (value) => level(value, "people"), (value) => level(value, "people")];
  if (effect) {
    columns.push({name: t("difference"), number: true}, {name: t("low"), number: true}, {name: t("high"), number: true});
    write.push(...[0, 1, 2].map(() => (value) => difference(value, "people")));
  }
  const sorted = rows.slice().sort((a, b) => size(b) - size(a) || b.last - a.last);
  const largestRows = distinct(sorted.filter((row) => !effect || row.sure).slice(0, 30).map((row) => ({...row, value: row.last, colour: "#0072B2", name: `${row.name} (${row.prefecture})`})));
  const chart = () => (effect ? charts.dots({label: title, rows: largestRows, unit: "people", width: 760, labels: 200}) : charts.bars({label: title, rows: largestRows, unit: "people", width: 760, labels: 200}));
  return <Figure id="figure-towns" title={title} footer={footer()} on={[arm]} start="map" parts={[{draw: chart}]} mapParts={[{draw: map}]}
    legend={effect ? [{name: t("fewer"), colour: FEWER, square: true}, {name: t("more"), colour: MORE, square: true}, {name: t("not_sure"), colour: QUIET, square: true}] : []}
    table={{columns, write, rows: sorted.map((row) => [row.name, row.code, row.prefecture, row.first, row.last, ...(effect ? [row.effect, row.low, row.high] : [])])}}
    notes={[shaped ? t(effect ? "towns_shapes_diff" : "towns_shapes", {first}) : effect ? t("towns_note_diff") : t("towns_note", {first}), effect ? surenessNote(rows) : "", outside.length ? t("towns_outside", {count: outside.length}) : "", `${sentence(say(armOf(arm).title))} ${t(shaped ? "towns_credit_own" : "towns_credit")}`]} />;
}

// ---------------------------------------------------------------------------------------------
// Levers, flows, firms, queues.

function Levers() {
  if (!doc.arms.some((arm) => doc.levers.some((lever) => arm.code in lever.arms))) {
    return <p class="missing">{doc.levers.length || doc.kind === "run" ? t("levers_none") : t("levers_unknown")}</p>;
  }
  const differing = doc.levers.filter((lever) => lever.differs), shared = doc.levers.filter((lever) => !lever.differs);
  return (
    <>
      {doc.arms.length > 1 && (differing.length > 0 ? <><h3>{t("levers_differ")}</h3><LeverTable levers={differing} /></> : <p>{t("levers_none")}</p>)}
      {shared.length > 0 && (
        <details class="shared" open={doc.arms.length === 1}>
          <summary>{doc.arms.length > 1 ? t("levers_shared") : t("levers")} ({shared.length})</summary>
          <LeverTable levers={shared} />
        </details>
      )}
    </>
  );
}

// The levers in one line each, for the second page of a print.
function LeverList() {
  const differing = doc.levers.filter((lever) => lever.differs);
  const listed = doc.arms.length > 1 ? differing : doc.levers;
  if (!listed.length) return <Levers />;
  const kinds = ["official", "secondary", "assumption"];
  const rows = listed.map((lever, k) => {
    const counts = {official: 0, secondary: 0, assumption: 0};
    for (const rule of lever.rules) counts[rule.kind] += 1;
    for (const own of lever.responses) if (own.quality === "assumption") counts.assumption += 1;
    const arms = Object.entries(lever.arms).filter(([, setting]) => setting).map(([code]) => code);
    return (
      <tr class={k < PRINTED ? undefined : "screen"}>
        <th scope="row"><span class="code">{lever.id}</span> {say(lever.title)}</th>
        <td>{legalStatus(lever)}, {lever.since}</td>
        {kinds.map((kind) => <td class="number">{counts[kind] || ""}</td>)}
        {doc.arms.length > 1 && <td>{arms.map((code) => <ArmDot code={code} />)} {joined(...arms.map((code) => say(armOf(code).title)))}</td>}
      </tr>
    );
  });
  return (
    <div class="table" tabIndex={0} role="region" aria-label={t("levers_short")}>
      <table>
        <thead><tr>
          <th scope="col">{t("lever")}</th><th scope="col">{t("since")}</th>
          {kinds.map((kind) => <th scope="col" class="number">{t(`count_${kind}`)}</th>)}
          {doc.arms.length > 1 && <th scope="col">{t("pulled")}</th>}
        </tr></thead>
        <tbody>{rows}</tbody>
      </table>
      {rows.length > PRINTED && <p class="print">{t("more_levers", {count: rows.length - PRINTED})}</p>}
    </div>
  );
}

function ArmDot({code}) {
  return <i class={`dot arm-${placeOf(code) % ARM_COLOURS.length}`} aria-hidden="true" />;
}

function legalStatus(lever) {
  return t(lever.legal_status === "response" ? "assumption" : lever.legal_status);
}

function Mark({kind}) {
  return <span class={`mark mark-${kind}`}>{t(kind)}</span>;
}

function LeverTable({levers}) {
  return (
    <div class="table levers" tabIndex={0} role="region" aria-label={t("levers")}>
      <table>
        <thead><tr><th scope="col">{t("lever")}</th><th scope="col">{t("law")}</th><th scope="col">{t("response")}</th><th scope="col">{t("pulled")}</th></tr></thead>
        <tbody>{levers.map((lever) => <LeverRow lever={lever} />)}</tbody>
      </table>
    </div>
  );
}

function LeverRow({lever}) {
  const arms = Object.entries(lever.arms).filter(([, setting]) => setting);
  const all = !lever.differs, levels = arms.map(([, setting]) => setting.level);
  return (
    <tr>
      <th scope="row"><span class="code">{lever.id}</span> {say(lever.title)}<div class="small"><span class="status">{legalStatus(lever)}</span> {lever.since}{lever.until ? ` – ${lever.until}` : ""}</div></th>
      <td>{lever.rules.map((rule) => <div class="fact"><strong>{rule.since}</strong> {ruleValue(rule)} <Mark kind={rule.kind} /><Basis basis={rule.basis} /><div class="small">{rule.reference}</div></div>)}{!lever.rules.length && <Basis basis={lever.basis} />}</td>
      <td>{lever.responses.map((own) => <div class="fact">{own.unit}: <span class="nowrap">{["low", "central", "high"].map((one, k) => <>{k ? " · " : ""}{levels.includes(one) ? <strong>{own[one]}</strong> : own[one]}</>)}</span> <Mark kind={own.quality === "assumption" ? "assumption" : "studied"} />{own.study && <div class="small">{own.study}</div>}</div>)}</td>
      <td>{all ? <div class="fact">{doc.arms.length > 1 ? t("everywhere") : ""} <Setting setting={arms[0][1]} always={doc.arms.length === 1} /></div>
        : arms.map(([code, setting]) => <div class="fact"><ArmDot code={code} /> {say(armOf(code).title)} <Setting setting={setting} /></div>)}</td>
    </tr>
  );
}

// Where the rule itself stands, and how well that is known.
function Basis({basis}) {
  if (!basis) return null;
  return (
    <div class="small">
      {basis.title ? say(basis.title) : basis.note}{basis.at && ` (${basis.at})`} <span class="mark">{t(`evidence_${basis.evidence}`)}</span>
    </div>
  );
}

function ruleValue(rule) {
  const write = (value) => new Intl.NumberFormat(getLanguage(), {maximumFractionDigits: 4}).format(value);
  if (/^share/.test(rule.unit)) return `${write(100 * rule.value)}%${rule.unit.replace(/^share/, "")}`;
  return /^\d/.test(rule.unit) ? `${write(rule.value)} (${rule.unit})` : `${write(rule.value)} ${rule.unit}`;
}

function Setting({setting}) {
  const words = [
    t("responses_at", {level: t(`level_${setting.level}`)}),
    setting.strength !== 1 ? t("strength", {value: percent(setting.strength)}) : "",
    setting.variant ? setting.variant.replaceAll("_", " ") : "",
    ...Object.entries(setting.use).map(([name, value]) => `${name.replaceAll("_", " ")} = ${value}`)
  ].filter(Boolean);
  return <span class="small">{words.join(", ")}</span>;
}

function Flows({arm}) {
  const [at, setAt] = useState(doc.movements.length - 1);
  const groups = doc.status_groups.map(({code, label, colour}) => ({code, name: say(label), colour}));
  const end = (code, colour) => ({code, name: t(code), colour});
  const left = [end("arrived", "#6b7280"), end("born", "#9aa3af"), ...groups], right = [...groups, end("naturalised", "#374151"), end("left", "#6b7280"), end("died", "#9aa3af")];
  const {months, arms} = doc.movements[at];
  const links = arms[arm];
  const name = (side, code) => side.find((one) => one.code === code)?.name ?? code;
  const title = t("flows_title", {first: monthText(months[0]), last: monthText(months[1])});
  const lost = charts.ribbons({label: "", left, right, links, width: WHOLE}).lost;
  return (
    <Figure id="figure-flows" title={title} footer={footer()} on={[arm, at]}
      parts={[{draw: () => charts.ribbons({label: title, left, right, links, width: WHOLE}).svg}]}
      table={{columns: [{name: t("before")}, {name: t("after")}, {name: unitOf("residents"), number: true}], write: [null, null, (value) => level(value, "people")], rows: links.slice().sort((a, b) => b[2] - a[2]).map(([from, to, people]) => [name(left, from), name(right, to), people])}}
      notes={[t("flows_note", {arm: say(armOf(arm).title)}), lost[0] ? t("flows_lost", {count: lost[0], people: level(lost[1], "people")}) : ""]}>
      {doc.movements.length > 1 && <Choice label={t("period")} value={at} onChange={(value) => setAt(Number(value))} options={doc.movements.map((span, k) => [k, `${span.months[0]} – ${span.months[1]}`])} />}
    </Figure>
  );
}

function Firms({arm}) {
  if (!doc.firms) return null;
  const own = doc.firms.arms[arm], base = doc.firms.arms[BASE];
  const first = monthText(doc.months[0]), last = monthText(LAST), name = say(armOf(arm).title);
  const rows = doc.firms.sectors.map((sector, k) => ({
    name: say(sector.label), colour: "#0072B2", first: own.workers[0][k], last: own.workers[1][k], firms: own.firms[1][k], open: own.vacancies[1][k], base: base.workers[1][k],
    effect: own.effect?.[k] ?? null, low: own.low?.[k] ?? null, high: own.high?.[k] ?? null, sure: own.sure?.[k] ?? false
  }));
  const shown = distinct(rows);
  const parts = [{title: bracketed(t("workers"), name), draw: () => charts.pairs({label: t("firms_title", {first, last}), rows: shown, unit: "people", width: own.effect ? HALF : 760, names: [first, last]})}];
  if (own.effect) parts.push({title: t("difference"), draw: () => charts.dots({label: t("firms_title_diff", {last}), rows: shown, unit: "people", width: HALF})});
  const people = (value) => level(value, "people");
  const columns = [{name: t("sector")}, ...[`${t("workers")}, ${first}`, `${t("workers")}, ${last}`, `${t("establishments")}, ${last}`, `${t("open_jobs")}, ${last}`, ...(own.effect ? [t("difference"), t("low"), t("high")] : [])].map((text) => ({name: text, number: true}))];
  return <Figure id="figure-firms" title={t("firms_title", {first, last})} footer={footer()} on={[arm]} parts={parts}
    table={{columns, write: [null, people, people, people, people, ...[0, 1, 2].map(() => (value) => difference(value, "people"))], rows: rows.map((row) => [row.name, row.first, row.last, row.firms, row.open, ...(own.effect ? [row.effect, row.low, row.high] : [])])}}
    notes={[t("firms_note", {first, last, arm: name}), own.effect ? surenessNote(rows) : ""]} />;
}

function Queues({arm}) {
  const known = doc.queues.filter((queue) => doc.values[`${queue.code}_backlog`]);
  const [code, setCode] = useState(known[0]?.code);
  if (!known.length) return null;
  const queue = say(known.find((queue) => queue.code === code).label), parts = ["caseload", "decided", "capacity"].filter((what) => doc.values[`${code}_${what}`]?.[arm]);
  const look = {caseload: ["#0072B2", "", t("received")], decided: ["#D55E00", "5 2", t("decided")], capacity: ["#1f2933", "2 2.5", t("capacity")]};
  const months = doc.months;
  const flow = parts.map((what) => ({name: look[what][2], colour: look[what][0], dash: look[what][1], values: doc.values[`${code}_${what}`][arm].mean}));
  const waiting = levelLines(`${code}_backlog`);
  const title = t("queue_title", {queue});
  return (
    <Figure id="figure-queues" title={title} footer={footer()} on={[arm, code]}
      parts={[
        {title: t("queue_left", {arm: say(armOf(arm).title)}), legend: flow.map(({name, colour, dash}) => ({name, colour, dash})), draw: () => charts.lines({label: title, lines: flow, months, unit: "cases", width: HALF})},
        {title: t("queue_right"), legend: armLegend(doc.arms.map((one) => one.code)), draw: () => charts.lines({label: title, lines: waiting, months, unit: "cases", width: HALF})}
      ]}
      table={{columns: [{name: t("month")}, ...flow.map(({name}) => ({name, number: true})), ...waiting.map(({name}) => ({name: `${t("queue_right")}: ${name}`, number: true}))], write: [null, ...[...flow, ...waiting].map(() => (value) => level(value, "cases"))], rows: months.map((month, k) => [month, ...[...flow, ...waiting].map((line) => line.values[k])])}}
      notes={[bandNote()]}>
      <Choice label={t("queue")} value={code} onChange={setCode} options={known.map((queue) => [queue.code, say(queue.label)])} />
    </Figure>
  );
}

function Choice({label, value, onChange, options, groups}) {
  return (
    <label class="choice"><span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {groups ? groups.map(([name, own]) => <optgroup label={name}>{own.map(([code, text]) => <option value={code} selected={code === value}>{text}</option>)}</optgroup>)
          : options.map(([code, text]) => <option value={code} selected={String(code) === String(value)}>{text}</option>)}
      </select>
    </label>
  );
}

// ---------------------------------------------------------------------------------------------
// Every indicator, what is assumed, scores, commands.

function Indicators({arm}) {
  const [code, setCode] = useState("settled_share" in doc.values ? "settled_share" : doc.indicators[0].code);
  const groups = Object.entries(doc.topics).map(([topic, label]) => [say(label), doc.indicators.filter((one) => one.topic === topic).map((one) => [one.code, say(one.label)])]).filter(([, own]) => own.length);
  const effect = hasEffects && arm !== BASE;
  const columns = [{name: t("indicator")}, {name: t("unit")}, {name: say(armOf(arm).title), number: true}];
  if (effect) columns.push({name: say(armOf(BASE).title), number: true}, {name: t("difference"), number: true}, {name: t("low"), number: true}, {name: t("high"), number: true});
  const rows = doc.indicators.filter((one) => doc.values[one.code][arm]).map((one) => {
    const own = doc.effects[one.code]?.[arm];
    return {code: one.code, cells: [say(one.label), unitOf(one.code), lastKnown(doc.values[one.code][arm].mean), ...(effect ? [lastKnown(doc.values[one.code][BASE]?.mean), lastKnown(own?.effect), lastKnown(own?.low), lastKnown(own?.high)] : [])]};
  });
  const byName = new Map(rows.map((row) => [row.cells, row.code]));
  const write = [null, null, (value, row) => level(value, UNITS[byName.get(row)]), (value, row) => level(value, UNITS[byName.get(row)]), ...[0, 1, 2].map(() => (value, row) => `${isFlow(byName.get(row)) && value !== null ? "Σ " : ""}${difference(value, UNITS[byName.get(row)])}`)];
  return (
    <>
      <Choice label={t("indicator")} value={code} onChange={setCode} groups={groups} />
      <IndicatorFigure key={code} id="indicator" code={code} arm={arm} width={hasEffects ? HALF : 760} height={250} />
      <h3>{t("indicators_title", {month: monthText(LAST)})}</h3>
      <Table columns={columns} rows={rows.map((row) => row.cells)} write={write} label={t("indicators_title", {month: monthText(LAST)})} />
      {effect && <p class="small">{t("summed_note")}</p>}
    </>
  );
}

function lastKnown(values) {
  for (let k = (values?.length ?? 0) - 1; k >= 0; k--) if (values[k] !== null) return values[k];
  return null;
}

// How far the model covers what the government decided, by kind of measure.
function Package() {
  if (!doc.package) return null;
  const [yes, part, no] = doc.package.counts;
  return (
    <>
      <h3>{t("package")}</h3>
      <p>{t("package_covers", {yes, part, no, count: yes + part + no})}</p>
      <div class="table" tabIndex={0} role="region" aria-label={t("package")}>
        <table>
          <thead><tr><th scope="col">{t("package_kind")}</th>{["yes", "part", "no"].map((one) => <th scope="col" class="number">{t(`package_${one}`)}</th>)}</tr></thead>
          <tbody>{doc.package.kinds.map(({kind, counts}) => <tr><th scope="row">{t(`package_${kind}`)}</th>{counts.map((count) => <td class="number">{count || ""}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </>
  );
}

function Assumed() {
  const {confidence, replicates, warnings} = doc.facts, drawn = doc.facts.drawn ? "_drawn" : "";
  return (
    <>
      <p>{doc.projection ? drawnText() : replicates > 1 ? t(`assumed_1${drawn}`, {confidence: percent(confidence), runs: replicates}) : t("assumed_1_run")}</p>
      {!doc.projection && <p>{t(`assumed_2${drawn}`)}</p>}
      {hasEffects && <p>{t(`assumed_4${drawn}`)}</p>}
      {doc.assumed && (
        <>
          <p>{t("assumed_3", {count: doc.assumed.count})}</p>
          <ul class="counts">{doc.assumed.sections.map(({label, count}) => <li><strong>{count}</strong> {say(label)}</li>)}</ul>
          <details class="paths"><summary>{t("assumed_paths")}</summary><p class="paths">{doc.assumed.paths.map((path) => <code>{path}</code>)}</p></details>
        </>
      )}
      {warnings.length > 0 && <><h3>{t("warnings")}</h3><ul>{warnings.map((warning) => <li>{warning}</li>)}</ul></>}
    </>
  );
}

function spanText(months) {
  return t("years", {count: new Intl.NumberFormat(getLanguage(), {maximumFractionDigits: 1}).format(months / 12)});
}

function Scores() {
  if (!doc.scores) return <p class="missing">{t("scores_none")}</p>;
  const {rows, nearest, months, given} = doc.scores, row = rows[nearest];
  const columns = ["origin_horizon", "error_of", "linear_trend", "constant_rates", "held"].map((key, k) => ({name: t(key), number: k > 0}));
  const write = (value) => (value === null ? "–" : value);
  return (
    <>
      <p>{t("scores_text", {origin: monthText(row.origin), horizon: monthText(row.horizon), error: row.error, trend: row.linear_trend, in_80: row.in_80, months: spanText(row.months), span: spanText(months)})} {months > Math.max(...rows.map((one) => one.months)) * 1.2 ? t("scores_beyond") : ""}</p>
      <Table label={t("scores")} columns={columns} write={[null, write, write, write]} rows={rows.map((one) => [`${one.origin} → ${one.horizon}`, one.error, one.linear_trend, one.constant_rates, `${one.in_50}, ${one.in_80}, ${one.in_95}`])} />
      {!given && <p class="small">{t("scores_published")}</p>}
    </>
  );
}

function Reproduce() {
  const {commands, exact, runs} = doc.reproduce;
  return (
    <>
      <p>{t("reproduce_text", {code: doc.facts.code, data: doc.facts.data})}</p>
      {commands.map((command) => <pre tabIndex={0}><code>{command}</code></pre>)}
      {!exact && <p>{t("reproduce_more")}</p>}
      <details><summary>{t("runs")}</summary><ul>{Object.entries(runs).map(([code, names]) => <li>{say(armOf(code).title)}: {names.length ? names.map((name) => <code>{name} </code>) : "–"}</li>)}</ul></details>
    </>
  );
}

// ---------------------------------------------------------------------------------------------

function Cards({arm}) {
  return (
    <dl class="cards">
      {doc.headline.map((code) => {
        const own = doc.values[code][arm], effect = doc.effects[code]?.[arm], unit = UNITS[code];
        const base = lastOf(doc.values[code][BASE]?.mean);
        if (effect && arm !== BASE) {
          const [size, low, high] = [lastOf(effect.effect), lastOf(effect.low), lastOf(effect.high)];
          const sure = doc.facts.replicates >= 3 && charts.isSure({low, high});
          return (
            <div class={sure ? "card" : "card unsure"}>
              <dt>{joined(say(indicatorOf(code).label), monthText(LAST))}</dt>
              <dd class="large">{difference(size, unit)}</dd>
              <dd>{low === 0 && high === 0 ? t("exactly_none") : joined(interval(low, high, unit), sure ? "" : t("not_sure"))}</dd>
              {effect.random_low && <dd>{t("random_alone", {interval: interval(lastOf(effect.random_low), lastOf(effect.random_high), unit)})}</dd>}
              <dd>{t("of_base", {value: level(base, unit), share: percent(size / base, true)})}</dd>
            </div>
          );
        }
        return (
          <div class="card">
            <dt>{joined(say(indicatorOf(code).label), monthText(LAST))}</dt>
            <dd class="large">{level(lastOf(own.mean), unit)}</dd>
            {own.low && <dd>{interval(lastOf(own.low), lastOf(own.high), unit, level)}</dd>}
            <dd>{t("at_start", {value: level(own.mean[0], unit), month: monthText(doc.months[0])})}</dd>
          </div>
        );
      })}
    </dl>
  );
}

function Page() {
  const [language, choose] = useState(doc.language);
  const [arm, setArm] = useState(doc.arms[Math.min(1, doc.arms.length - 1)].code);
  setLanguage(language);
  useEffect(() => {
    document.title = say(armOf(arm).sentence);
  }, [language, arm]);
  const sections = ["summary", "basis", ...(doc.projection ? ["uncertainty"] : []), "levers", "indicators", "who", "where", "flows", "firms"];
  const names = {firms: joined(t("firms"), t("queues"))};
  const several = doc.arms.length > 2 || (doc.arms.length > 1 && !hasEffects);
  return (
    <>
      <header class="bar">
        <span class="brand">Kyosei</span>
        {several && <Choice label={t("scenario_shown")} value={arm} onChange={setArm} options={doc.arms.map((one) => [one.code, `${say(one.title)}${one.code === BASE && hasEffects ? ` (${t("baseline")})` : ""}`])} />}
        <div class="languages" role="group" aria-label={t("language")}>
          {Object.entries(LANGUAGES).map(([code, name]) => <button type="button" lang={code} aria-pressed={code === language} onClick={() => choose(code)}>{name}</button>)}
        </div>
        <nav aria-label={t("contents")}><ul>{sections.map((one) => <li><a href={`#${one}`}>{names[one] ?? t(one)}</a></li>)}</ul></nav>
      </header>
      <main>
        <section id="summary">
          <h1>{say(armOf(arm).sentence)}</h1>
          <p class="subtitle">{say(doc.subtitle)}</p>
          <Cards arm={arm} />
          {doc.projection ? <Projection /> : (
            <div class={hasEffects ? "headline wide" : "headline"}>
              {doc.headline.map((code, k) => <IndicatorFigure heading="h2" quiet={{legend: doc.arms.length < 2 || k > 0, notes: k < doc.headline.length - 1}} id={`headline-${code}`} code={code} arm={arm} width={hasEffects ? HALF : THIRD} height={hasEffects ? 140 : 190} map={false} />)}
            </div>
          )}
          <div class="two unequal">
            <WhoFigure by="status" code="people" arm={arm} id="figure-who" most={14} width={400} labels={150} />
            <WhereFigure arm={arm} id="figure-where" width={560} />
          </div>
          <p class="run">{footer()}</p>
        </section>
        <section id="basis">
          <h2>{t(doc.arms.length > 1 ? "levers_short" : "levers_one")}</h2><LeverList />
          <h2>{t("assumed")}</h2><Assumed />
          <h2>{t("scores")}</h2><Scores />
          <h2>{t("reproduce")}</h2><Reproduce />
        </section>
        {doc.projection && <section id="uncertainty"><h2>{t("uncertainty")}</h2><SplitFigure width={WHOLE * 0.8} /><QuantileTables /></section>}
        <section id="levers"><h2>{t("levers")}</h2><Levers /><Package /></section>
        <section id="indicators"><h2>{t("indicators")}</h2><Indicators arm={arm} /></section>
        <section id="who">
          <h2>{t("who")}</h2>
          <div class="two"><CompositionFigure arm={arm} /><AgesFigure arm={arm} /></div>
          <div class="two">
            <WhoFigure by="status" code="people" arm={arm} id="figure-status" most={40} />
            <WhoFigure by="origin" code="residents" arm={arm} id="figure-origin" most={40} />
          </div>
        </section>
        <section id="where"><h2>{t("where")}</h2><WhereFigure arm={arm} id="figure-prefectures" width={WHOLE * 0.86} /><DetailNote /><TownsFigure arm={arm} /></section>
        {doc.movements.length > 0 && <section id="flows"><h2>{t("flows")}</h2><DetailNote /><Flows arm={arm} /></section>}
        {(doc.firms || doc.queues.length > 0) && <section id="firms"><h2>{joined(t("firms"), t("queues"))}</h2><DetailNote /><Firms arm={arm} /><Queues arm={arm} /></section>}
      </main>
      <footer><p>{footer()}</p></footer>
    </>
  );
}

const place = document.getElementById("page");
place.replaceChildren();
render(<Page />, place);
requestAnimationFrame(() => setTimeout(() => {
  window.READY = true;
}));
