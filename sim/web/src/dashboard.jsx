// The dashboard: finished folders, differences, a form that puts a scenario together, the queue.

import {render} from "preact";
import {useEffect, useMemo, useRef, useState} from "preact/hooks";
import * as charts from "./charts.js";
import {Drawing, Figure} from "./figure.jsx";
import {difference, interval, monthText, percent} from "./format.js";
import {ARM_COLOURS, ARM_DASHES} from "./look.js";
import {bracketed, say} from "./words.js";
import "./dashboard.css";

const VIEWS = {runs: "Results", compare: "Compare", compose: "Compose", queue: "Queue"};
const STATES = {waiting: "waits", running: "runs", done: "done", failed: "failed", cancelled: "cancelled"};
const LAW = {
  in_force: "in force", scheduled: "law for a later date", announced: "announced", bill: "a bill",
  under_consideration: "under consideration", hypothetical: "hypothetical"
};
const LEVELS = {"": "as in the scenario", low: "weak", central: "central", high: "strong"};
const EVIDENCE = {official: "official text read", secondary: "official text, as cited elsewhere", assumption: "assumption"};
const LOOK_MS = 1000;

// Answers {ok, content}; content is what was asked for, or {problems: [text]}.
async function ask(path, body) {
  const options = body === undefined ? {} : {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)};
  try {
    const answer = await fetch(path, options);
    const isJson = (answer.headers.get("Content-Type") ?? "").startsWith("application/json");
    const content = isJson ? await answer.json() : {problems: [await answer.text()]};
    return {ok: answer.ok, content};
  } catch {
    return {ok: false, content: {problems: ["The dashboard does not answer: was it ended? Start it again with kyosei dashboard."]}};
  }
}

// What a path answers, asked again when it changes; null until it has answered.
function useAsked(path) {
  const [answer, setAnswer] = useState(null);
  useEffect(() => {
    let left = false;
    setAnswer(null);
    if (path) ask(path).then((given) => left || setAnswer(given));
    return () => { left = true; };
  }, [path]);
  return answer;
}

function Problems({problems, label = "What is wrong"}) {
  if (!problems?.length) return null;
  return <div class="problems" role="alert"><h3>{label}</h3><ul>{problems.map((one) => <li><pre>{one}</pre></li>)}</ul></div>;
}

function Copy({text}) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
  };
  return <button type="button" onClick={copy}>{done ? "Copied" : "Copy"}</button>;
}

// ---------------------------------------------------------------------------------------------
// Finished folders.

// What a folder is called: its label, else the titles of its scenarios.
function nameOf(run, start) {
  const titleOf = ({code, title}) => title ?? say(start.scenarios.find((one) => one.code === code)?.title) ?? code;
  const [first, ...others] = run.arms.map((arm) => titleOf(arm) || arm.code);
  if (run.label) return run.label;
  return others.length ? `${others.join(", ")} against ${first}` : first;
}

function kindText({kind, arms, replicates}) {
  if (kind === "comparison") return `comparison of ${arms.length} scenarios, ${replicates} replicates`;
  if (kind === "projection") return `projection, ${replicates} members`;
  return kind;
}

function Runs({start, open}) {
  const answer = useAsked("/api/runs");
  const [chosen, setChosen] = useState([]);
  if (answer === null) return <p>Reading {start.folder}.</p>;
  if (!answer.ok) return <Problems problems={answer.content.problems} />;
  const runs = answer.content;
  if (!runs.length) return <p>Nothing is finished below {start.folder} yet. Compose a scenario, or type <code>kyosei run</code>.</p>;
  const toggle = (number) => setChosen(chosen.includes(number) ? chosen.filter((one) => one !== number) : [...chosen, number]);
  const query = chosen.map((number) => `run=${number}`).join("&");
  return (
    <>
      <p>Finished folders below <code>{start.folder}</code>, the latest first. Runs that belong to a study stand behind it. Choose several runs with the same months to see them on one page.</p>
      <div class="table tall" tabIndex={0} role="region" aria-label="Finished folders">
        <table>
          <thead><tr><th scope="col">Choose</th><th scope="col">What</th><th scope="col">Months</th><th scope="col" class="number">Scale</th><th scope="col">Show</th></tr></thead>
          <tbody>
            {runs.map((run) => (
              <tr key={run.number}>
                <td>{run.kind === "run" && <input type="checkbox" aria-label={`Choose ${nameOf(run, start)}, ${run.number}`} checked={chosen.includes(run.number)} onChange={() => toggle(run.number)} />}</td>
                <th scope="row">{nameOf(run, start)}<div class="small">{kindText(run)} <span class="code">{run.number}</span></div></th>
                <td class="nowrap">{run.start && `${run.start} to ${run.end}`}</td>
                <td class="number">{run.scale}</td>
                <td>
                  {run.kind === "comparison" && <button type="button" onClick={() => open(run.number)}>Differences</button>}{" "}
                  {run.page && (run.scale === null || run.scale >= start.limits.small || run.kind === "projection") && <a href={`/report?run=${run.number}`} target="_blank" rel="noopener">Page</a>}
                  {run.page && run.kind === "run" && run.scale < start.limits.small && <span class="small">a sample: differences only</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>{chosen.length > 1
        ? <a class="act" href={`/report?${query}`} target="_blank" rel="noopener">One page of {chosen.length} runs</a>
        : <span class="small">Choose two runs or more for one page of them.</span>}</p>
    </>
  );
}

// ---------------------------------------------------------------------------------------------
// Differences of a comparison.

function Compare({start, number, open}) {
  const runs = useAsked("/api/runs");
  const known = runs?.ok ? runs.content.filter((run) => run.kind === "comparison") : [];
  const shown = number ?? known[0]?.number ?? null;
  const answer = useAsked(shown && `/api/differences?run=${shown}`);
  const [code, setCode] = useState(null);
  if (runs !== null && !known.length) return <p>No comparison is finished below {start.folder} yet. Compose a scenario and start one.</p>;
  return (
    <>
      <label class="choice">Comparison{" "}
        <select value={shown ?? ""} onChange={(event) => open(event.currentTarget.value)}>
          {known.map((run) => <option value={run.number}>{nameOf(run, start)}, {run.start} to {run.end}, {run.number}</option>)}
        </select>
      </label>
      {answer === null ? <p>Reading the comparison.</p> : answer.ok ? <Differences found={answer.content} code={code} choose={setCode} /> : <Problems problems={answer.content.problems} />}
    </>
  );
}

function Differences({found, code, choose}) {
  const named = Object.fromEntries(found.indicators.map((one) => [one.code, one]));
  const shown = named[code] ? code : found.headline.find((one) => named[one]) ?? found.indicators[0].code;
  const own = found.effects[shown], unit = named[shown].unit;
  const arms = found.arms.slice(1).filter((arm) => own[arm.code]);
  const place = (arm) => found.arms.indexOf(arm);
  const look = (arm) => ({colour: ARM_COLOURS[place(arm) % ARM_COLOURS.length], dash: ARM_DASHES[place(arm) % ARM_DASHES.length]});
  const lines = arms.map((arm) => ({name: say(arm.title), ...look(arm), values: own[arm.code].effect, low: own[arm.code].low, high: own[arm.code].high,
    inner: found.drawn ? [own[arm.code].random_low, own[arm.code].random_high] : undefined}));
  const last = found.months.length - 1, write = (value) => difference(value, unit);
  const flow = unit === "people a year", label = say(named[shown].label);
  const table = {
    columns: [{name: "Month"}, ...arms.flatMap((arm) => ["difference", "low", "high"].map((part) => ({name: `${say(arm.title)}, ${part}`, number: true})))],
    write: [null, ...arms.flatMap(() => [write, write, write])],
    rows: found.months.map((month, k) => [month, ...arms.flatMap((arm) => [own[arm.code].effect[k], own[arm.code].low?.[k] ?? null, own[arm.code].high?.[k] ?? null])])
  };
  const held = found.drawn ? "rates, demand, arrivals, responses and random numbers are drawn, the same for all scenarios" : "random numbers alone; rates, demand and responses are held fixed";
  const note = `${percent(found.confidence)} intervals of ${found.replicates} replicates (${held}); pale where the interval holds zero.`;
  return (
    <>
      <h2>{say(found.arms[Math.min(1, found.arms.length - 1)].sentence)}</h2>
      <p class="subtitle">Differences from {say(found.arms[0].title)}, of the same people with and without. {found.small && "A sample is too small to show levels."}</p>
      <label class="choice">Indicator{" "}
        <select value={shown} onChange={(event) => choose(event.currentTarget.value)}>{found.indicators.map((one) => <option value={one.code}>{say(one.label)}</option>)}</select>
      </label>
      <Figure id={`difference-${shown}`} title={label} heading="h3" table={table} notes={[note]}
        parts={[{title: bracketed(flow ? "Difference, summed since the start" : "Difference from the baseline", unit === "share" ? "percentage points" : say(found.units[flow ? "people" : unit])),
          draw: () => charts.lines({label, lines, months: found.months, unit, width: 980, height: 300, signed: true})}]}
        legend={arms.map((arm) => ({name: say(arm.title), ...look(arm)}))}
        footer={`Kyosei comparison ${found.number}; scale ${found.scale}, seed ${found.seed}, ${found.replicates} replicates`} on={[shown, found.number]} />
      <div class="table" tabIndex={0} role="region" aria-label="Differences in the last month">
        <table>
          <thead><tr><th scope="col">{monthText(found.months[last])}</th>{found.arms.slice(1).map((arm) => <th scope="col" class="number">{say(arm.title)}</th>)}</tr></thead>
          <tbody>
            {found.indicators.filter((one) => found.headline.includes(one.code)).map((one) => (
              <tr><th scope="row">{say(one.label)}</th>{found.arms.slice(1).map((arm) => <Effect own={found.effects[one.code]?.[arm.code]} unit={one.unit} at={last} />)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Effect({own, unit, at}) {
  if (!own) return <td class="number">–</td>;
  const low = own.low?.[at] ?? null, high = own.high?.[at] ?? null;
  const sure = low !== null && (low > 0 || high < 0);
  return <td class={`number${sure ? "" : " unsure"}`}>{difference(own.effect[at], unit)}<div class="small">{interval(low, high, unit)}</div></td>;
}

// ---------------------------------------------------------------------------------------------
// A scenario, put together.

const asPull = (lever) => ({lever: lever.code, strength: lever.pulled ? lever.strength : 1, level: "", delay: 0, variant: ""});

function draftOf({base, title, end, scale, replicates, pulls}) {
  const given = ({lever, strength, level, delay, variant}) => ({lever, strength, ...(level && {level}), ...(delay && {delay}), ...(variant && {variant})});
  return {base, title, end, scale, replicates, pulls: pulls.map(given)};
}

function Compose({start, began}) {
  const first = start.scenarios.find((one) => one.code === "baseline_2025")?.code ?? start.scenarios[0].code;
  const [form, setForm] = useState({base: first, title: "My scenario", end: "2030-12", scale: 0.005, replicates: 5, pulls: []});
  const [search, setSearch] = useState("");
  const [name, setName] = useState("my_scenario");
  const [checked, setChecked] = useState(null);
  const [said, setSaid] = useState(null);
  const answer = useAsked(`/api/levers?base=${form.base}`);
  const levers = answer?.ok ? answer.content : [];
  const byCode = useMemo(() => Object.fromEntries(levers.map((one) => [one.code, one])), [levers]);
  const change = (part) => setForm({...form, ...part});
  const changePull = (code, part) => change({pulls: form.pulls.map((pull) => (pull.lever === code ? {...pull, ...part} : pull))});
  const draft = draftOf(form), written = JSON.stringify(draft);

  useEffect(() => {
    let left = false;
    setSaid(null);
    const wait = setTimeout(() => ask("/api/check", draft).then((given) => left || setChecked(given)), 350);
    return () => { left = true; clearTimeout(wait); };
  }, [written]);

  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const open = levers.filter((one) => !form.pulls.some((pull) => pull.lever === one.code));
  const found = open.filter((one) => words.every((word) => one.words.includes(word)));
  const begin = async () => {
    const given = await ask("/api/jobs", draft);
    if (given.ok) began();
    else setSaid({problems: given.content.problems});
  };
  const keep = async () => {
    const given = await ask("/api/scenarios", {name, draft});
    setSaid(given.ok ? {text: `Kept as ${given.content.file}. Use it as scenario=${name}.`} : {problems: given.content.problems});
  };

  return (
    <>
      <div class="form">
        <label>Over the scenario
          <select value={form.base} onChange={(event) => change({base: event.currentTarget.value, pulls: []})}>{start.scenarios.map((one) => <option value={one.code}>{say(one.title)}</option>)}</select>
        </label>
        <label>Called <input type="text" maxLength={80} value={form.title} onInput={(event) => change({title: event.currentTarget.value})} /></label>
        <label>Last month <input type="text" size={8} value={form.end} onInput={(event) => change({end: event.currentTarget.value})} /></label>
        <label>Scale <input type="number" min="0.001" max={start.limits.scale} step="0.001" value={form.scale} onInput={(event) => change({scale: Number(event.currentTarget.value)})} /></label>
        <label>Replicates <input type="number" min="3" max="20" value={form.replicates} onInput={(event) => change({replicates: Math.round(Number(event.currentTarget.value))})} /></label>
      </div>

      <h2 id="pulled">Levers that you set</h2>
      {form.pulls.length === 0 ? <p class="small">None yet: the scenario is as it stands. Find levers below and set them.</p> : (
        <ul class="pulls" aria-labelledby="pulled">
          {form.pulls.map((pull) => byCode[pull.lever] && <PullForm key={pull.lever} pull={pull} lever={byCode[pull.lever]} until={form.end}
            change={(part) => changePull(pull.lever, part)} remove={() => change({pulls: form.pulls.filter((one) => one !== pull)})} />)}
        </ul>
      )}

      <h2>Find a lever</h2>
      <label class="choice">Search by words <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} placeholder="fee, language, student ..." /></label>
      <p class="small" role="status">{answer === null ? "Reading the levers." : `${found.length} of ${open.length} levers`}</p>
      {answer && !answer.ok && <Problems problems={answer.content.problems} />}
      <div class="table tall" tabIndex={0} role="region" aria-label="Levers found">
        <table>
          <thead><tr><th scope="col">Lever</th><th scope="col">Law</th><th scope="col">In this scenario</th><th scope="col"><span class="hidden">Set</span></th></tr></thead>
          <tbody>
            {found.map((one) => (
              <tr key={one.code}>
                <th scope="row">{say(one.title)} <span class="code">{one.id}</span></th>
                <td>{LAW[one.legal_status] ?? one.legal_status}, from {one.since}</td>
                <td>{one.pulled ? `pulled, strength ${one.strength}` : "not pulled"}</td>
                <td><button type="button" aria-label={`Set ${say(one.title)}`} onClick={() => change({pulls: [...form.pulls, asPull(one)]})}>Set</button></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>

      <h2>What will run</h2>
      {checked === null ? <p>Checking.</p> : checked.ok ? (
        <>
          <p role="status">{checked.content.takes}. Shown as paired differences only: a sample is too small for levels.</p>
          <pre class="command">{checked.content.command}</pre>
          <p><Copy text={checked.content.command} /></p>
        </>
      ) : <Problems problems={checked.content.problems} />}
      <p class="acts">
        <button type="button" class="act" disabled={!checked?.ok} onClick={begin}>Start the comparison</button>
        <label class="choice">Keep as <input type="text" size={20} value={name} onInput={(event) => setName(event.currentTarget.value)} aria-label="Name of the file" /></label>
        <button type="button" disabled={!checked?.ok} onClick={keep}>Save as a scenario</button>
        {!start.study && <span class="small">Saving needs a study folder: kyosei init.</span>}
      </p>
      {said?.text && <p role="status" class="said">{said.text}</p>}
      <Problems problems={said?.problems} />
    </>
  );
}

function PullForm({pull, lever, until, change, remove}) {
  const title = say(lever.title);
  return (
    <li class="pull">
      <div class="head"><strong>{title}</strong> <span class="code">{lever.id}</span> <span class="small">{LAW[lever.legal_status] ?? lever.legal_status}, first month {lever.first_month}</span>
        <button type="button" aria-label={`Leave ${title} as it is`} onClick={remove}>Leave as it is</button></div>
      <div class="form">
        <label>Strength <input type="number" min="0" max="1" step="0.1" value={pull.strength} aria-label={`Strength of ${title}`} onInput={(event) => change({strength: Number(event.currentTarget.value)})} /></label>
        <label>Response <select value={pull.level} aria-label={`Response to ${title}`} onChange={(event) => change({level: event.currentTarget.value})}>{Object.entries(LEVELS).map(([code, text]) => <option value={code}>{text}</option>)}</select></label>
        <label>Months later <input type="number" min="0" max="240" value={pull.delay} aria-label={`Months later of ${title}`} onInput={(event) => change({delay: Math.round(Number(event.currentTarget.value))})} /></label>
        {lever.variants.length > 1 && <label>Form <select value={pull.variant} aria-label={`Form of ${title}`} onChange={(event) => change({variant: event.currentTarget.value})}><option value="">as in the scenario</option>{lever.variants.map((one) => <option value={one}>{one.replaceAll("_", " ")}</option>)}</select></label>}
      </div>
      <details>
        <summary>What the law says, and how people respond</summary>
        <DatedValues lever={lever} until={until} />
        {lever.responses.length > 0 && (
          <table class="levers"><thead><tr><th scope="col">Response</th><th scope="col" class="number">Weak</th><th scope="col" class="number">Central</th><th scope="col" class="number">Strong</th><th scope="col">From</th></tr></thead>
            <tbody>{lever.responses.map((one) => <tr><th scope="row">{one.unit}</th><td class="number">{one.low}</td><td class="number">{one.central}</td><td class="number">{one.high}</td><td>{one.study || "no study"} {one.quality === "assumption" && <span class="mark mark-assumption">assumption</span>}</td></tr>)}</tbody>
          </table>
        )}
      </details>
    </li>
  );
}

function DatedValues({lever, until}) {
  const names = [...new Set(lever.rules.map((one) => one.name))];
  if (!names.length) return <p class="small">{lever.basis?.title ? `${say(lever.basis.title)} ${lever.basis.at}` : "The law sets no number here."}</p>;
  return names.map((name) => {
    const values = lever.rules.filter((one) => one.name === name);
    return (
      <div class="dated">
        <h3>{name.replaceAll("_", " ")} <span class="small">{values[0].unit}</span></h3>
        <Drawing draw={() => charts.steps({label: `${say(lever.title)}: ${name}`, values, until, width: 420})} on={[until]} />
        <ul class="small">
          {values.map((one) => (
            <li>from {one.since}: {one.value} <span class={`mark mark-${one.kind}`}>{EVIDENCE[one.kind]}</span> {one.basis?.title && say(one.basis.title)} {one.basis?.at} <span>({one.reference})</span></li>
          ))}
        </ul>
      </div>
    );
  });
}

// ---------------------------------------------------------------------------------------------
// The queue.

function Queue({open}) {
  const [jobs, setJobs] = useState(null);
  const look = () => ask("/api/jobs").then(({ok, content}) => ok && setJobs(content));
  useEffect(() => {
    look();
    const again = setInterval(look, LOOK_MS);
    return () => clearInterval(again);
  }, []);
  if (jobs === null) return <p>Looking.</p>;
  if (!jobs.length) return <p>Nothing was started here yet. Compose a scenario and start a comparison.</p>;
  const cancel = (number) => ask(`/api/jobs/${number}/cancel`, {}).then(look);
  return (
    <ol class="jobs" reversed>
      {[...jobs].reverse().map((job) => (
        <li key={job.number}>
          <div class="head"><strong>{job.title}</strong> <span class={`state state-${job.state}`}>{STATES[job.state]}</span>
            {job.seconds !== null && <span class="small">{job.seconds} s</span>}
            {(job.state === "waiting" || job.state === "running") && <button type="button" aria-label={`Cancel ${job.title}`} onClick={() => cancel(job.number)}>Cancel</button>}
            {job.folder && <button type="button" onClick={() => open(job.folder)}>Show differences</button>}
          </div>
          {job.state === "running" && <progress aria-label={`Progress of ${job.title}`} value={job.total ? job.done : undefined} max={job.total ?? undefined} />}
          {(job.state === "running" || job.state === "failed") && <pre role="log" aria-label={`What ${job.title} says`}>{job.said.slice(job.state === "failed" ? -12 : -3).join("\n")}</pre>}
          <details><summary>Command</summary><pre class="command">{job.command}</pre></details>
        </li>
      ))}
    </ol>
  );
}

// ---------------------------------------------------------------------------------------------

function Dashboard() {
  const start = useAsked("/api/start");
  const [view, setView] = useState(location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "runs");
  const [number, setNumber] = useState(null);
  const heading = useRef(null);
  const go = (next) => {
    setView(next);
    history.replaceState(null, "", `#${next}`);
    heading.current?.focus();
  };
  const open = (folder) => {
    setNumber(folder);
    go("compare");
  };
  if (start === null) return <main><h1>Kyosei</h1><p>Reading the scenarios: a few seconds.</p></main>;
  if (!start.ok) return <main><h1>Kyosei</h1><Problems problems={start.content.problems} /></main>;
  const given = start.content;
  return (
    <>
      <header class="bar">
        <span class="brand">Kyosei {say(given.country)}</span>
        <span class="small">{given.study ? `study ${given.study}` : "no study folder"}; version {given.version}</span>
        <nav aria-label="Views"><ul>{Object.entries(VIEWS).map(([code, text]) => <li><button type="button" aria-current={view === code ? "page" : undefined} onClick={() => go(code)}>{text}</button></li>)}</ul></nav>
      </header>
      <main>
        <h1 tabIndex={-1} ref={heading}>{VIEWS[view]}</h1>
        {view === "runs" && <Runs start={given} open={open} />}
        {view === "compare" && <Compare start={given} number={number} open={setNumber} />}
        <div hidden={view !== "compose"}><Compose start={given} began={() => go("queue")} /></div>
        {view === "queue" && <Queue open={open} />}
      </main>
    </>
  );
}

const page = document.getElementById("page");
page.replaceChildren();
render(<Dashboard />, page);
