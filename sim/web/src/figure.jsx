// A figure with its tabs: chart, map, table; its legend, notes and downloads.

import {useEffect, useId, useRef, useState} from "preact/hooks";
import {csv, png, save} from "./save.js";
import {getLanguage, t} from "./words.js";

// An SVG element, drawn anew when what it depends on changes. The page counts those that are drawn.
export function Drawing({draw, on}) {
  const place = useRef(null);
  useEffect(() => {
    place.current.replaceChildren(draw());
  }, [getLanguage(), ...on]);
  return <div class="drawing" ref={place} />;
}

// parts      [{title, draw: () => SVG, legend?}] side by side
// mapParts   the same for the map, or null: its tab then says why there is none
// table      {columns: [{name, number?}], rows: [[text or number]], write?: [(value) => text]}
// quiet      {legend, notes}: true for what only the saved picture shows, another figure having it
// legend     [{name, colour, dash?, square?}]
export function Figure({id, title, notes = [], legend = [], parts, mapParts, table, footer, on = [], quiet = {}, children, heading = "h3", start = "chart"}) {
  const [view, setView] = useState(start);
  const [problem, setProblem] = useState("");
  const place = useRef(null);
  const name = useId();
  const views = ["chart", ...(mapParts === undefined ? [] : ["map"]), "table"];
  const shown = view === "map" ? (mapParts ?? []) : parts;
  const Heading = heading;

  const savePicture = async () => {
    try {
      const drawn = [...place.current.querySelectorAll(".drawing > svg")];
      const picture = await png({title, notes, legend: [...legend, ...shown.flatMap((part) => part.legend ?? [])], footer, parts: drawn.map((svg, k) => ({title: shown[k]?.title, svg}))});
      save(`kyosei_${id}.png`, picture, "image/png");
    } catch (error) {
      setProblem(String(error.message ?? error));
    }
  };
  const turn = (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const able = views.filter((one) => one !== "map" || mapParts);
    const next = able[(able.indexOf(view) + step + able.length) % able.length];
    setView(next);
    event.currentTarget.querySelector(`[data-view=${next}]`).focus();
  };

  return (
    <figure class="figure" id={id} aria-labelledby={`${name}-title`}>
      <div class="head">
        <Heading id={`${name}-title`}>{title}</Heading>
        <div class="tools">
          <div role="tablist" aria-label={t("views", {title})} onKeyDown={turn}>
            {views.map((one) => {
              const off = one === "map" && !mapParts;
              return (
                <button role="tab" type="button" data-view={one} id={`${name}-${one}`} aria-selected={view === one} aria-controls={`${name}-panel`}
                  tabIndex={view === one ? 0 : -1} disabled={off} title={off ? t("no_map") : undefined} onClick={() => setView(one)}>{t(one)}</button>
              );
            })}
          </div>
          <button type="button" class="save" aria-label={t("save_csv", {title})} onClick={() => save(`kyosei_${id}.csv`, csv(table), "text/csv;charset=utf-8")}>{t("csv")}</button>
          <button type="button" class="save" aria-label={t("save_png", {title})} disabled={view === "table"} onClick={savePicture}>{t("png")}</button>
        </div>
      </div>
      {children}
      {view !== "table" && legend.length > 0 && !quiet.legend && <Legend items={legend} />}
      <div role="tabpanel" id={`${name}-panel`} aria-labelledby={`${name}-${view}`} ref={place}>
        {view === "table" ? <Table {...table} label={title} /> : (
          <div class={`parts parts-${shown.length}`}>
            {shown.map((part, k) => (
              <div class="part" key={`${view}${k}`}>
                {part.title && <p class="part-title">{part.title}</p>}
                {part.legend && <Legend items={part.legend} />}
                <Drawing draw={part.draw} on={[view, ...on]} />
              </div>
            ))}
          </div>
        )}
      </div>
      {problem && <p role="alert">{problem}</p>}
      {!quiet.notes && <figcaption>{notes.filter(Boolean).map((note) => <p>{note}</p>)}</figcaption>}
    </figure>
  );
}

export function Legend({items}) {
  return (
    <ul class="legend">
      {items.map(({name, colour, dash, square}) => (
        <li>
          <svg width="22" height="12" aria-hidden="true">
            {square ? <rect x="4" y="1" width="14" height="10" fill={colour} /> : <line x1="1" x2="21" y1="6" y2="6" stroke={colour} stroke-width="2.4" stroke-dasharray={dash || undefined} />}
          </svg>
          {name}
        </li>
      ))}
    </ul>
  );
}

// A table in plain cells; numbers at the right.
export function Table({columns, rows, write = [], label}) {
  return (
    <div class="table" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead><tr>{columns.map((column) => <th scope="col" class={column.number ? "number" : undefined}>{column.name}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr>{row.map((value, k) => (k === 0
              ? <th scope="row">{value}</th>
              : <td class={columns[k].number ? "number" : undefined}>{write[k] ? write[k](value, row) : value ?? "–"}</td>))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
