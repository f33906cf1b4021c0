// Assembles the page.

function themeButton() {
  const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const button = h("button", { type: "button", id: "theme", onclick: () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    name();
  } });
  const name = () => { button.textContent = dark() ? t("Light") : t("Dark"); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
  return button;
}

// Key figures.
function summary() {
  const tile = (label, value, ...note) => h("div", { class: "tile" }, h("dt", {}, label), h("dd", {}, value, h("small", {}, note)));
  const tiles = [];
  const tests = paths("/training/tests");
  if (tests.length > 0) tiles.push(tile(t("test accuracy"), full(`${tests.at(-1)}/accuracy`, "percent2"), t("after epoch {0}", num(`${tests.at(-1)}/epoch`, "count"))));
  const batches = paths("/batches");
  if (batches.length > 0) {
    const path = batches.at(-1);
    tiles.push(tile(t("images per second"), num(`${path}/images_per_second`, "speed"), t("training, batch size {0}", num(`${path}/batch`, "count"))));
    if (at(`${path}/ops`).length > 0)
      tiles.push(tile(t("most expensive operator"), opName(`${path}/ops/0`), t("{0} of the wall time of a step, batch size {1}", full(`${path}/ops/0/share`, "share"), num(`${path}/batch`, "count"))));
  }
  const taus = paths("/correlations").filter((path) => at(`${path}/kind`) === "faithful-reference" && at(`${path}/tau`) !== null);
  if (taus.length > 0) tiles.push(tile(t("rank agreement with the reference"), ["τ-b ", num(`${taus.at(-1)}/tau`, "tau")], t("measured as the lab did, batch size {0}", num(`${taus.at(-1)}/batch`, "count"))));
  return h("dl", { class: "tiles" }, tiles);
}

function warnings() {
  const list = [];
  if (!run.complete) list.push(t("This run was interrupted: the report has the results up to then."));
  if (settings.emulated) list.push(h("span", {}, h("span", { class: "emulated" }), " ", modeled ? t("marks times of an emulated device: they say nothing about a GPU. Its device times are those of a model.")
      : t("marks host times of an emulated device: they say nothing about a GPU. There are no device times.")));
  if (settings.fakes.length > 0) list.push(h("span", {}, h("span", { class: "fake" }), " ", t("marks results of a fake of the vendor's library: {0}.", settings.fakes.join(", "))));
  return list.map((content) => h("p", { class: "warning", role: "note" }, content));
}

const first = [environmentSection(), graphSection(), curvesSection()];
const middle = [rankingSection(), comparisonSection(), coldSection(), clocksSection(), phasesSection(), selfSection(), rooflineSection(), providersSection(), correlationsSection()];
const faithful = faithfulSection();
const sections = settings.faithful ? [...first, faithful, ...middle] : [...first, ...middle, faithful];
sections.push(flameSection(), notesSection());

document.getElementById("top").append(
  h("div", { class: "title" }, h("h1", {}, t("Lab report: where a CNN spends its time")), themeButton()),
  h("p", { class: "subtitle" }, term("/settings/model"), " · ", word("/settings/device_name"), " · ", word("/settings/created")),
  paragraph(t("The lab is the experiment that this report reproduces: train a CNN on MNIST, profile one forward pass, and rank its operators at batch sizes 1, 16 and 64. The reference is its result on a GeForce RTX 2070 SUPER with PyTorch 1.6.0.")),
  ...warnings(), summary());
document.getElementById("contents").append(
  h("details", { open: innerWidth > 700 }, h("summary", {}, t("Contents")),
    h("ol", {}, sections.map((each) => h("li", {}, h("a", { href: `#${each.id}` }, each.querySelector("h2").textContent))))));
document.getElementById("report").append(...sections);
