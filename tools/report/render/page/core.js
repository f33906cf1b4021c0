// The report's data, its texts, DOM elements, and numbers that carry their path in run.json.
const page = JSON.parse(document.getElementById("data").textContent);
const run = page.run;
const settings = run.settings;

// JSON has no numbers that are not finite: they are texts in run.json.
const special = { nan: NaN, inf: Infinity, "-inf": -Infinity };
const asNumber = (value) => special[value] ?? value;
for (const name of ["loss", "smoothed"]) run.training.curve[name] = run.training.curve[name].map(asNumber);
for (const test of run.training.tests) test.loss = asNumber(test.loss);

const translated = (english) => page.texts[english] ?? english;

// Replaces {0}, {1}, ... by values. Returns a string, or a list of nodes if a value is a node.
function t(english, ...values) {
  const text = translated(english);
  if (!values.some((value) => value instanceof Node))
    return text.replace(/\{(\d)\}/g, (all, i) => values[i] ?? all);
  return text.split(/(\{\d\})/).filter((part) => part !== "").map((part) => {
    const hole = /^\{(\d)\}$/.exec(part);
    return hole ? values[hole[1]] : part;
  });
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// The value at a JSON pointer (RFC 6901) into run.json.
const at = (path) =>
  path.split("/").slice(1).reduce((json, key) => json?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], run);
const key = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");

// ---- Numbers. The displayed value times `scale` is the value in run.json.

const units = {
  count: { scale: 1, digits: 0 },
  us: { scale: 1, digits: 1, time: true },
  ms: { scale: 1000, digits: 2, unit: " ms", time: true },
  ns: { scale: 1, digits: 0, unit: " ns" },
  share: { scale: 0.01, digits: 1, unit: " %", time: true },  // of a time
  percent2: { scale: 0.01, digits: 2, unit: " %" },
  mib: { scale: 1048576, digits: 1, unit: " MiB" },
  gib: { scale: 1073741824, digits: 1, unit: " GiB" },
  rate: { scale: 1, digits: 1, time: true },
  speed: { scale: 1, digits: 0, time: true },
  ratio: { scale: 1, digits: 2, time: true },
  tau: { scale: 1, digits: 2 },
  loss: { scale: 1, digits: 4 },
  setting: { scale: 1, digits: 0 },
  seconds: { scale: 1, digits: 1, unit: " s", time: true },
  error: { scale: 1, digits: 1, exponent: true },
};

function shown(value, kind) {
  const { scale, digits, exponent } = units[kind];
  const number = value / scale;
  if (number === 0) return "0";
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "−inf";
  if (exponent) return number.toExponential(digits).replaceAll("-", "−");
  // Small numbers keep two significant digits.
  const least = Math.abs(number) < 1 ? Math.min(8, 1 - Math.floor(Math.log10(Math.abs(number)))) : 0;
  // Counts can be fractional: calls per step are a mean.
  const places = kind === "count" ? (Number.isInteger(number) ? 0 : 1) : Math.max(digits, kind === "tau" ? 0 : least);
  const [whole, part] = (kind === "setting" ? String(number) : number.toFixed(places)).split(".");
  return (whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "")).replace("-", "−");
}
const shownWithUnit = (value, kind) => shown(value, kind) + (kind === "us" ? " µs" : units[kind].unit ?? "");

// Times of an emulated device or of a fake are marked: they say nothing about a GPU.
function marks(kind, providers = "") {
  if (!units[kind]?.time) return {};
  const fake = providers.split(", ").some((name) => settings.fakes.includes(name));
  return { class: fake ? "fake" : settings.emulated ? "emulated" : null };
}

// The same mark in SVG, where CSS can't insert it.
function drawnMark(kind, providers) {
  const { class: mark } = marks(kind, providers);
  return mark ? s("tspan", { class: `mark ${mark}-mark` }, mark === "fake" ? "ᶠ" : "ᴇ") : null;
}

// The number at a path; "–" if there is none. `unit` appends the unit, which tables have in their headers.
function num(path, kind, { unit = false, provider = "" } = {}) {
  const value = at(path);
  if (value === null || value === undefined) return Object.assign(h("span", { class: "none" }, "–"), { key: null });
  const span = h("span", { "data-path": path, "data-scale": units[kind].scale, ...marks(kind, provider) },
    shown(value, kind));
  const suffix = kind === "us" ? " µs" : units[kind].unit;
  const whole = unit && suffix ? h("span", { class: "quantity" }, span, suffix.replace(" ", "\u00a0")) : span;
  return Object.assign(whole, { key: value });
}
const full = (path, kind, options = {}) => num(path, kind, { unit: true, ...options });

// A quotient of two numbers, minus `less`. A `*` in the first path sums over a list.
function quotient(path, over, kind, less = 0) {
  const [list, member] = path.split("/*");
  const sum = member === undefined ? at(path) : paths(list).reduce((total, each) => total + at(each + member), 0);
  return h("span", { ...marks(kind), "data-path": path, "data-over": over, "data-less": less, "data-scale": units[kind].scale },
    shown(sum / at(over) - less, kind));
}

// The text at a path.
function word(path) {
  const value = at(path);
  if (value === null || value === undefined || value === "")
    return Object.assign(h("span", { class: "none" }, "–"), { key: "" });
  // A long name may break after an underscore.
  const parts = String(value).split(/(?<=_)/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));
  return Object.assign(h("span", { "data-path": path }, parts), { key: String(value) });
}
// A term in the report's language, by the rules of term_text() in terms.cpp.
function termText(english) {
  if (page.texts[english]) return page.texts[english];
  const dark = /^(.*), light on dark$/.exec(english);
  if (dark) return t("{0}, light on dark", termText(dark[1]));
  const numbered = /^(.*\D)(\d+)$/.exec(english);
  if (numbered && page.texts[`${numbered[1]}{0}`]) return t(`${numbered[1]}{0}`, numbered[2]);
  const listed = /^([^,]*)(,.*)$/.exec(english);
  return listed ? translated(listed[1]) + listed[2] : english;
}
function term(path) {
  const text = termText(String(at(path)));
  return Object.assign(h("span", { "data-path": path }, text), { key: text });
}
const code = (path) => {
  const inner = word(path);
  return Object.assign(h("code", {}, inner), { key: inner.key });
};

const paths = (list) => (at(list) ?? []).map((_, i) => `${list}/${i}`);
const paragraph = (...children) => h("p", {}, ...children);
const heading = (level, ...children) => h("h" + level, {}, ...children);

// Nodes with a separator between them.
const joined = (nodes, separator = ", ") => nodes.flatMap((node, i) => (i ? [separator, node] : [node]));
