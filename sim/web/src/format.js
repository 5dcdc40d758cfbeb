// Numbers and months as readers of each language write them.

import {getLanguage, t} from "./words.js";

const SHARE = "share";

function digits(value, options) {
  return new Intl.NumberFormat(getLanguage(), options).format(value);
}

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

// A value with its unit: `5,659,300`, `31.2 %`; "–" where nothing is known.
export function level(value, unit) {
  if (!known(value)) return "–";
  if (unit === SHARE) return `${digits(100 * value, {minimumFractionDigits: 1, maximumFractionDigits: 1})}%`;
  return digits(value, {maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0});
}

// A difference with its sign; of shares in percentage points.
export function difference(value, unit) {
  if (!known(value)) return "–";
  if (value === 0) return "0";
  const signed = {signDisplay: "exceptZero"};
  if (unit === SHARE) {
    return `${digits(100 * value, {...signed, minimumFractionDigits: 2, maximumFractionDigits: 2})} ${t("points")}`;
  }
  return digits(value, {...signed, maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0});
}

// `-108,640 to -83,596`, or that there is no interval.
export function interval(low, high, unit, write = difference) {
  if (!known(low) || !known(high)) return t("no_interval");
  return t("to", {low: write(low, unit).replace(` ${t("points")}`, ""), high: write(high, unit)});
}

// Short, for the ticks of an axis: `5.7M`, `570万`.
export function tick(unit, signed) {
  const options = {notation: "compact", maximumFractionDigits: 1, signDisplay: signed ? "exceptZero" : "auto"};
  if (unit === SHARE) {
    return (value) => digits(100 * value, {maximumFractionDigits: 2, signDisplay: options.signDisplay});
  }
  return (value) => (Math.abs(value) < 1000 ? digits(value, {maximumFractionDigits: 2, signDisplay: options.signDisplay}) : digits(value, options));
}

export function percent(share, signed = false) {
  if (!known(share)) return "–";
  const size = Math.abs(100 * share);
  const places = size >= 10 || size === 0 ? 0 : size >= 1 ? 1 : 2;
  return `${digits(100 * share, {maximumFractionDigits: places, signDisplay: signed ? "exceptZero" : "auto"})}%`;
}

// `2030-12` as `December 2030`, `2030年12月`.
export function monthText(month, style = "long") {
  return new Intl.DateTimeFormat(getLanguage(), {year: "numeric", month: style, timeZone: "UTC"}).format(date(month));
}

export function date(month) {
  return new Date(`${month}-01T00:00:00Z`);
}

export function plain(value) {
  return known(value) ? value : null;
}
