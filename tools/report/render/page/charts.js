// Shared by the charts: figures that are redrawn at a new width, axes, legends and the tooltip.
const tip = document.getElementById("tip");

function showTip(x, y, ...content) {
  tip.replaceChildren(...content.flat(2));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 14 + width > innerWidth - 8 ? x - 14 - width : x + 14;
  tip.style.left = `${Math.max(8, left) + scrollX}px`;
  tip.style.top = `${Math.max(8, Math.min(y - height / 2, innerHeight - height - 8)) + scrollY}px`;
}
const hideTip = () => { tip.hidden = true; };

// Shows `content()` as a tooltip while the element is hovered or focused.
function explain(element, content) {
  const show = (x, y) => showTip(x, y, content());
  element.addEventListener("pointermove", (event) => show(event.clientX, event.clientY));
  element.addEventListener("pointerleave", hideTip);
  element.addEventListener("focus", () => {
    const box = element.getBoundingClientRect();
    if (element.matches(":focus-visible")) show(box.left + box.width / 2, box.top + box.height / 2);
  });
  element.addEventListener("blur", hideTip);
  return element;
}

// draw(width) returns an element. It is redrawn when the width changes, and in print for the width of A4.
const figures = [];
const printWidth = 688;
let printing = false;
for (const [event, now] of [["beforeprint", true], ["afterprint", false]]) addEventListener(event, () => {
  printing = now;
  for (const each of figures) each.redraw();
});

function figure({ caption, legend, controls, draw, id }) {
  const plot = h("div", { class: "plot" });
  let width = 0;
  const redraw = () => { if (width > 0) plot.replaceChildren(draw(printing ? printWidth : width)); };
  const element = h("figure", { id }, h("figcaption", {}, caption), controls, legend, plot);
  figures.push({ redraw });
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width || now === 0 || printing || matchMedia("print").matches) return;
    width = now;
    redraw();
  }).observe(plot);
  return Object.assign(element, { redraw });
}

const canvas = (width, height, label, ...children) =>
  s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, children);

// Each series has its own color and shape.
const shapes = [
  (x, y, r) => `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
  (x, y, r) => `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (x, y, r) => `M${x},${y - 1.2 * r}l${1.2 * r},${2.1 * r}h${-2.4 * r}z`,
  (x, y, r) => `M${x},${y - 1.3 * r}l${1.3 * r},${1.3 * r}l${-1.3 * r},${1.3 * r}l${-1.3 * r},${-1.3 * r}z`,
];
const marker = (series, x, y, r = 4) => s("path", { d: shapes[series % shapes.length](x, y, r), class: `fill${series % 8} dot` });

// entries: [name, series or null for the rest, "line" | "thin" | "dot" | "dot pale" | "box"]
const legend = (entries) => h("ul", { class: "legend" }, entries.map(([name, series, kind]) => {
  const sample = s("svg", { viewBox: "0 0 22 12", width: 22, height: 12, "aria-hidden": "true" },
    kind.startsWith("dot") ? s("g", { class: kind }, marker(series, 11, 6)) : kind === "box"
      ? s("rect", { x: 4, y: 1, width: 14, height: 10, class: series === null ? "rest" : `fill${series}` })
      : s("path", { d: "M1,6H21", class: `line${series} ${kind}` }));
  return h("li", {}, sample, h("span", {}, name));
}));

// Round numbers from lo to hi.
function ticks(lo, hi, count) {
  const raw = (hi - lo) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= raw);
  const result = [];
  for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + step * 1e-9; ++i) result.push(+(i * step).toPrecision(12));
  return result;
}
function decades(lo, hi) {
  const result = [];
  for (let i = Math.ceil(Math.log10(lo) - 1e-9); 10 ** i <= hi * 1.000001; ++i) result.push(10 ** i);
  return result;
}
// The multiple of a power of ten by 1, 2 or 5 at or below a positive value, or at or above it.
function roundNumber(value, above) {
  const power = 10 ** Math.floor(Math.log10(value));
  const all = [1, 2, 5, 10].map((factor) => factor * power);
  return above ? all.find((each) => each >= value) : all.findLast((each) => each <= value) ?? power;
}
// Ticks of a logarithmic axis: also 2 and 5 times the powers of ten if there are few of these.
function logTicks(lo, hi, most) {
  const all = decades(10 ** Math.floor(Math.log10(lo)), hi).flatMap((each) => [1, 2, 5].map((factor) => factor * each))
    .filter((each) => each >= lo * 0.999999 && each <= hi * 1.000001);
  return all.length <= most ? all : decades(lo, hi);
}
const tickText = (value) => value === 0 ? "0" : Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3
  ? `10${String(Math.round(Math.log10(value))).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(c)])}`
  : String(+value.toPrecision(6)).replace(/\B(?=(\d{3})+$)/g, ",");

// Axes around an area: x and y map values to pixels and have ticks.
function axes({ left, top, right, bottom }, x, y, labels) {
  return s("g", { class: "axis" },
    y.ticks.map((value) => [
      s("path", { class: "grid", d: `M${left},${y.map(value)}H${right}` }),
      s("text", { x: left - 6, y: y.map(value), "text-anchor": "end", "dominant-baseline": "middle" }, (y.text ?? tickText)(value))]),
    x.ticks.map((value) => [
      s("path", { class: "grid", d: `M${x.map(value)},${top}V${bottom}` }),
      s("text", { x: x.map(value), y: bottom + 16, "text-anchor": "middle" }, (x.text ?? tickText)(value))]),
    s("path", { class: "base", d: `M${left},${top}V${bottom}H${right}` }),
    s("text", { class: "name", x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, labels.x),
    labels.y && s("text", { class: "name", transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, labels.y));
}
const linear = (lo, hi, from, to) => (value) => from + (value - lo) / (hi - lo || 1) * (to - from);
const logarithmic = (lo, hi, from, to) => {
  const map = linear(Math.log(lo), Math.log(hi), from, to);
  return (value) => map(Math.log(value));
};
const through = (lo, hi, from, to, count) =>
  ({ map: linear(lo, hi, from, to), ticks: ticks(lo, hi, count) });
