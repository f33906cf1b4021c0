// The sections of the lab's template, in its order.

const us = (text) => `${text}, µs`;
const column = (head, more = {}) => ({ head, ...more });
const textColumn = (head, more = {}) => column(head, { text: true, ...more });

function section(id, title, ...content) {
  const h2 = heading(2, title);
  return h("section", { id, "aria-labelledby": `${id}-title` }, Object.assign(h2, { id: `${id}-title` }), content);
}
// Placeholder of an empty section.
const absent = (text) => h("p", { class: "absent" }, text);

// A text with a button that copies it.
function copyable(path) {
  const text = code(path);
  // Without access to the clipboard, which a page from a file may not have, the text is selected.
  async function copy() {
    try {
      await navigator.clipboard.writeText(at(path));
      return true;
    } catch {
      getSelection().selectAllChildren(text);
      return document.execCommand("copy");
    }
  }
  const button = h("button", { type: "button", class: "copy", "aria-live": "polite", onclick: async () => {
    button.textContent = await copy() ? t("Copied") : t("Selected");
    setTimeout(() => { button.textContent = t("Copy"); }, 2000);
  } }, t("Copy"));
  return [text, " ", button];
}

function environmentSection() {
  const e = "/environment";
  const has = (path) => at(path) !== undefined && at(path) !== null && at(path) !== "";
  const library = (name) => has(`${e}/libraries/${key(name)}`) ? [name, word(`${e}/libraries/${key(name)}`)] : null;
  const gpus = paths(`${e}/gpus`);
  return section("environment", t("Environment"), h("div", { class: "pair" },
    facts(t("The machine and the program"), [
      [t("CPU"), word(`${e}/cpu/model`)],
      [t("cores"), ...t("{0} cores, {1} hardware threads, {2} usable", num(`${e}/cpu/cores`, "count"), num(`${e}/cpu/threads`, "count"), num(`${e}/cpu/usable`, "count"))],
      [t("instruction sets"), word(`${e}/cpu/instruction_sets`)],
      [t("memory"), full(`${e}/memory_bytes`, "gib")],
      [t("GPUs"), gpus.length === 0 ? t("none supported by this build") : null, ...gpus.map((path) => h("div", {}, word(`${path}/name`), ", ", full(`${path}/memory_bytes`, "gib"), ", ",
        t("compute capability"), " ", word(`${path}/compute_capability`)))],
      [t("operating system"), word(`${e}/os`), ", ", word(`${e}/kernel`)],
      [t("compiler"), word(`${e}/compiler`)],
      ["Metron", word(`${e}/metron`), ", ", t("commit"), " ", code(`${e}/commit`)],
      ...Object.keys(at(`${e}/libraries`) ?? {}).map(library),
      ...Object.keys(at(`${e}/build_options`) ?? {}).map((name) => [name, word(`${e}/build_options/${key(name)}`)]),
    ]),
    facts(t("The measurement"), [
      [t("device"), word("/settings/device"), ": ", word("/settings/device_name"), settings.emulated ? [" ", h("strong", {}, t("(emulated)"))] : null],
      [t("providers"), joined(paths("/settings/providers").map(word))],
      settings.fakes.length > 0 ? [t("fakes"), joined(paths("/settings/fakes").map(word))] : null,
      [t("model"), term("/settings/model"), ", ", word("/settings/dtype"), ", ", ...t("{0} parameters", num("/settings/parameters", "count"))],
      [t("batch sizes"), joined(paths("/settings/batch_sizes").map((path) => num(path, "count")))],
      [t("warm"), ...t("rounds at each batch size: {0}; steps in each: {1}", num("/settings/rounds", "count"), num("/settings/steps", "count"))],
      [t("cold"), ...t("fresh processes: {0}", num("/settings/cold_runs", "count"))],
      [t("threads"), num("/settings/threads", "count")],
      [t("seed"), h("span", { "data-path": "/settings/seed" }, page.seed)],
      [t("weights"), run.training.has_weights ? t("as trained") : t("as initialized"), " (", term("/training/source"), ")"],
      [t("to reproduce"), ...copyable("/settings/repeat")],
      [t("measured"), word("/settings/created"), ", ", ...t("in {0}", full("/seconds", "seconds"))],
    ])));
}

function graphSection() {
  const { nodes, edges } = run.graph;
  if (nodes.length === 0) return section("graph", t("Data-flow graph"), absent(t("This run has no graph.")));
  return section("graph", t("Data-flow graph"),
    paragraph(t("The forward pass of a batch of {0} images. Each box is an operator, labeled with its parameters and the host time of a warm call, the median over the calls. Arrows are labeled with shapes and dtypes. The network has {1} parameters.",
      num("/graph/batch", "count"), num("/graph/parameters", "count"))),
    figure({ id: "graph-figure", caption: t("The stronger the color, the longer the time"), legend: heatLegend(), draw: graphDrawing }),
    h("p", { class: "hint" }, t("Drag to pan; zoom with the buttons, with Ctrl and the wheel, or with + and −.")),
    h("details", {}, h("summary", {}, t("The graph as a table")), table({
      caption: t("Operators of the forward pass"), id: "graph-table",
      columns: [textColumn(t("operator"), { header: true }), textColumn(t("module")), column(t("parameters")), column(us(t("time per call"))), textColumn(t("result"))],
      rows: paths("/graph/nodes").map((path, i) => {
        const out = edges.findIndex((edge) => edge.from === i);
        const shape = out < 0 ? word("/none") : h("span", {}, joined(paths(`/graph/edges/${out}/shape`).map((each) => num(each, "count")), " × "), " ", word(`/graph/edges/${out}/dtype`));
        return [code(`${path}/name`), word(`${path}/module`), num(`${path}/parameters`, "count"), num(`${path}/time_us`, "us"), Object.assign(shape, { key: out })];
      }) })));
}

function curvesSection() {
  const { training } = run;
  const curve = training.curve.step.length > 0, tests = training.tests.length > 0;
  const fact = [
    training.epochs !== null && t("epochs: {0}", num("/training/epochs", "count")),
    training.batch_size !== null && t("batch size {0}", num("/training/batch_size", "count")),
    training.train_images !== null && t("{0} training images", num("/training/train_images", "count")),
    training.test_images !== null && t("{0} test images", num("/training/test_images", "count")),
    training.lr !== null && t("learning rate {0}", num("/training/lr", "setting")),
    training.gamma !== null && t("multiplied by {0} after each epoch", num("/training/gamma", "setting")),
    training.seconds !== null && t("{0} in total", full("/training/seconds", "seconds")),
  ].filter((each) => each);
  return section("curves", t("Loss and accuracy"),
    fact.length > 0 ? paragraph(joined(fact), ".") : null,
    curve || tests ? h("div", { class: "pair" }, lossFigure(), tests ? accuracyFigure() : null) : absent(t("There are no training metrics for this run.")),
    tests ? table({
      caption: t("Tests after each epoch"), id: "tests",
      columns: [column(t("epoch"), { rank: true }), column(t("step"), { rank: true }), column(t("test loss")), column(t("accuracy, %"))],
      rows: paths("/training/tests").map((path) => [num(`${path}/epoch`, "count"), num(`${path}/step`, "count"), num(`${path}/loss`, "loss"), num(`${path}/accuracy`, "percent2")]),
      sorted: [0, "ascending"], limit: 20 }) : null);
}

// Ranks within the noise are marked: another run may give different ones.
function rank(path, known) {
  const cell = num(path, "count");
  const whole = at(known) ? h("span", {}, cell) : h("span", { class: "unsure", title: t("within the noise: another run may rank it differently") }, "≈ ", cell);
  return Object.assign(whole, { key: at(path) });
}

function interval(path) {
  const provider = at(`${path}/provider`);
  const whole = h("span", {}, num(`${path}/lowest_us`, "us", { provider }), " … ", num(`${path}/highest_us`, "us", { provider }));
  return Object.assign(whole, { key: at(`${path}/lowest_us`) });
}

const clock = (path) => at(`${path}/ranked_by`) === "device" ? t("device time") : at(`${path}/ranked_by`) === "model" ? t("model time") : t("host time");

function rankingSection() {
  return section("ranking", t("The ten most expensive operators"),
    paragraph(t("A warm training step, ranked by time without nested operators. Times are medians over the recorded steps, with the lowest and the highest median of a fresh process. Shares are of the wall time of a step. ≈ marks a rank within the noise: the operator's range overlaps that of another one.")),
    paths("/batches").toReversed().map((path) => table({
      id: `ranking-${at(`${path}/batch`)}`,
      caption: [t("Batch size {0}, by {1}", num(`${path}/batch`, "count"), clock(path)), ": ",
        t("{0} per step, {1} images per second", full(`${path}/wall_us`, "us"), num(`${path}/images_per_second`, "speed"))],
      columns: [column(t("rank"), { rank: true }), textColumn(t("operator"), { header: true }), textColumn(t("phase")), textColumn(t("provider")),
        column(t("calls")), column(us(t("time"))), column(t("lowest … highest round, µs")), column(t("share of wall, %"), { bar: true })],
      rows: paths(`${path}/ops`).map((op) => {
        const provider = at(`${op}/provider`);
        return [rank(`${op}/rank`, `${op}/rank_known`), opName(op), term(`${op}/phase`), word(`${op}/provider`), num(`${op}/calls`, "count"),
          num(`${op}/time_us`, "us", { provider }), interval(op), num(`${op}/share`, "share")];
      }),
      sorted: [0, "ascending"], limit: 10 })));
}

function comparisonSection() {
  const sizes = paths("/settings/batch_sizes");
  return section("comparison", t("Batch sizes compared"),
    table({
      caption: t("A training step at each batch size"), id: "steps",
      columns: [column(t("batch size"), { rank: true }), column(us(t("time per step"))), column(t("images per second")), column(t("peak memory, MiB")), column(t("steps recorded"))],
      rows: paths("/batches").map((path) => [num(`${path}/batch`, "count"), num(`${path}/wall_us`, "us"), num(`${path}/images_per_second`, "speed"),
        num(`${path}/peak_bytes`, "mib"), num(`${path}/steps`, "count")]),
      sorted: [0, "ascending"] }),
    run.comparison.length > 0 ? [comparisonFigure(10), table({
      caption: t("Operators at each batch size: time in a step, share of it, rank"), id: "comparison-table",
      columns: [textColumn(t("operator"), { header: true }), textColumn(t("phase")),
        ...sizes.map((path) => column(t("µs at {0}", num(path, "count")))),
        ...sizes.map((path) => column(t("% at {0}", num(path, "count")))),
        ...sizes.map((path) => column(t("rank at {0}", num(path, "count")), { rank: true }))],
      rows: paths("/comparison").map((path) => [opName(path), term(`${path}/phase`),
        ...sizes.map((_, i) => num(`${path}/time_us/${i}`, "us")), ...sizes.map((_, i) => num(`${path}/share/${i}`, "share")),
        ...sizes.map((_, i) => num(`${path}/rank/${i}`, "count"))]),
      limit: 10 })] : null);
}
