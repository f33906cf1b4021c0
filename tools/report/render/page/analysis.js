// Sections beyond the lab's template, and the lab's measurement.

function coldSection() {
  return section("cold", t("Cold and warm"),
    run.cold.length === 0 ? absent(t("The first steps of fresh processes were not measured.")) : [
      paragraph(t("Cold is the first training step of a fresh process. Warm is the same step once every kernel has run. What a kernel took longer is one-time initialization, listed by library. Initialization of a library as a whole is charged only to the library, not to an operator.")),
      table({
        caption: t("Initialization by library"), id: "initialization",
        columns: [column(t("batch size"), { rank: true }), textColumn(t("library"), { header: true }), textColumn(t("provider")), column(us(t("initialization"))), column(t("share of the first step, %"), { bar: true }), column(t("of which library startup, µs"))],
        rows: paths("/cold").flatMap((path) => paths(`${path}/initialization`).map((row) => [num(`${path}/batch`, "count"), word(`${row}/library`), word(`${row}/provider`),
          num(`${row}/us`, "us", { provider: at(`${row}/provider`) }), num(`${row}/share`, "share"), num(`${row}/start_us`, "us", { provider: at(`${row}/provider`) })])) }),
      paths("/cold").toReversed().map((path) => table({
        id: `cold-${at(`${path}/batch`)}`,
        caption: t("Batch size {0}: the first step took {1}, a warm one {2}", num(`${path}/batch`, "count"), full(`${path}/cold_wall_us`, "us"), full(`${path}/warm_wall_us`, "us")),
        columns: [textColumn(t("operator"), { header: true }), textColumn(t("phase")), textColumn(t("provider")), column(us(t("cold"))), column(us(t("warm"))), column(us(t("initialization")))],
        rows: paths(`${path}/ops`).map((op) => {
          const provider = at(`${op}/provider`);
          return [opName(op), term(`${op}/phase`), word(`${op}/provider`), num(`${op}/cold_us`, "us", { provider }), num(`${op}/warm_us`, "us", { provider }), num(`${op}/initialization_us`, "us", { provider })];
        }),
        sorted: [3, "descending"], limit: 10 }))]);
}

// An emulator has no device times, except those of a model of a device.
const modeled = run.batches.some((batch) => batch.ranked_by === "model");
const deviceClock = (!settings.emulated || modeled) && run.batches.some((batch) => batch.ops.some((op) => op.device_us !== null));
const clockName = () => modeled ? t("model") : t("device");

function clocksSection() {
  return section("clocks", t("Host and device time"),
    modeled ? paragraph(t("Times in the column model are those of a modeled device, not of a GPU.")) : null,
    settings.emulated && !modeled ? absent(t("The device is emulated: it has no device times, and the host times say nothing about a GPU."))
      : !deviceClock ? absent(t("{0} has no clock of its own: host time is device time.", settings.device))
        : paths("/batches").toReversed().map((path) => table({
          id: `clocks-${at(`${path}/batch`)}`, caption: t("Batch size {0}: the host enqueues, the device computes", num(`${path}/batch`, "count")),
          columns: [textColumn(t("operator"), { header: true }), textColumn(t("phase")), column(us(t("host"))), column(us(clockName()))],
          rows: paths(`${path}/ops`).map((op) => {
            const provider = at(`${op}/provider`);
            return [opName(op), term(`${op}/phase`), num(`${op}/self_us`, "us", { provider }), num(`${op}/device_us`, "us", { provider })];
          }),
          sorted: [3, "descending"], limit: 10 })));
}

function phasesSection() {
  return section("phases", t("Forward, backward, optimizer"),
    paragraph(deviceClock
      ? t("Times are medians over the recorded steps. Shares are of the wall time of a step; the remainder is mostly idle time of the device.")
      : t("Times are medians over the recorded steps. Shares are of the wall time of a step; the remainder is the timer and time outside operators.")),
    phaseFigure(),
    table({
      caption: t("Phases of a training step"), id: "phase-table",
      columns: [column(t("batch size"), { rank: true }), textColumn(t("phase"), { header: true }), column(us(t("host"))), ...(deviceClock ? [column(us(clockName()))] : []), column(t("share of wall, %"), { bar: true })],
      rows: paths("/batches").flatMap((path) => paths(`${path}/phases`).map((phase) => [num(`${path}/batch`, "count"), term(`${phase}/phase`), num(`${phase}/self_us`, "us"),
        ...(deviceClock ? [num(`${phase}/device_us`, "us")] : []), num(`${phase}/share`, "share")])) }));
}

// No roof is measured for caches.
function roofCell(path, provider) {
  if (at(`${path}/roof_kind`) !== "cached") return num(`${path}/roof`, "share", { provider });
  return Object.assign(h("span", { class: "none" }, term(`${path}/roof_kind`)), { key: null });
}

function selfSection() {
  const waits = run.batches.some((batch) => batch.waiting_part > 0);
  const partsAddUp = run.batches.length > 0 && run.batches.every((batch) => Math.abs(batch.self_part + batch.timer_part + batch.outside_part + batch.waiting_part - 1) < 0.005);
  return section("self", t("Self time, work and the roof"),
    paragraph(t("Self time excludes nested operators. Roof is the minimum time by the machine's measured roofs divided by the measured time. Cached: the operands came from a cache, so the memory roof does not apply."),
      partsAddUp ? [" ", t("Over all recorded steps, the parts of the first table add up to the wall time.")] : null),
    table({
      caption: t("Coverage of the wall time"), id: "parts",
      columns: [column(t("batch size"), { rank: true }), column(t("sum of self times, % of wall time")), column(t("timer overhead, %")), column(t("outside operators, %")),
        ...(waits ? [column(t("waiting for the device, %"))] : [])],
      rows: paths("/batches").map((path) => [num(`${path}/batch`, "count"), num(`${path}/self_part`, "share"), num(`${path}/timer_part`, "share"), num(`${path}/outside_part`, "share"),
        ...(waits ? [num(`${path}/waiting_part`, "share")] : [])]),
      sorted: [0, "ascending"] }),
    paths("/batches").toReversed().map((path) => table({
      id: `self-${at(`${path}/batch`)}`, caption: t("Batch size {0}: all operators", num(`${path}/batch`, "count")),
      columns: [textColumn(t("operator"), { header: true }), textColumn(t("phase")), column(t("rank in its phase"), { rank: true }), column(us(t("self"))), column(us(t("total"))),
        column(us(t("average per call"))), column("GFLOP/s"), column("GB/s"), column(t("roof, %"), { bar: true })],
      rows: paths(`${path}/ops`).map((op) => {
        const provider = at(`${op}/provider`);
        const average = num(`${op}/average_us`, "us", { provider });
        const cell = at(`${op}/above_timer`) ? average : Object.assign(h("span", { class: "unsure", title: t("within the timer's noise") }, "~ ", average), { key: average.key });
        return [opName(op), term(`${op}/phase`), rank(`${op}/phase_rank`, `${op}/phase_rank_known`), num(`${op}/self_us`, "us", { provider }), num(`${op}/total_us`, "us", { provider }), cell,
          num(`${op}/gflops`, "rate", { provider }), num(`${op}/gbytes`, "rate", { provider }), roofCell(op, provider)];
      }),
      sorted: [3, "descending"], limit: 10 })));
}

function rooflineSection() {
  if (run.roofline.length === 0) return section("roofline", t("Roofline"), absent(t("There are no points for a roofline.")));
  const { gflops, gbytes } = run.roofs;
  return section("roofline", t("Roofline"),
    gflops !== null && gbytes !== null
      ? paragraph(t("The measured roofs of this machine: {0} GFLOP/s in float32, {1} GB/s from memory. A kernel under the slope is memory-bound, one under the flat part compute-bound. The operands of pale points were in a cache, so the memory roof does not apply to them.", num("/roofs/gflops", "rate"), num("/roofs/gbytes", "rate")))
      : absent(t("The roofs of this device were not measured: the chart shows only the points.")),
    rooflineFigure(),
    table({
      caption: t("Kernels in the roofline"), id: "roofline-table",
      columns: [column(t("batch size"), { rank: true }), textColumn(t("kernel"), { header: true }), textColumn(t("operator")), textColumn(t("phase")), textColumn(t("provider")), column(t("FLOP per byte")), column("GFLOP/s"), column(t("share of wall, %"), { bar: true })],
      rows: paths("/roofline").map((path) => [num(`${path}/batch`, "count"), code(`${path}/name`), code(`${path}/op`), term(`${path}/phase`), word(`${path}/provider`),
        num(`${path}/intensity`, "ratio"), num(`${path}/gflops`, "rate", { provider: at(`${path}/provider`) }), num(`${path}/share`, "share")]),
      limit: 10 }));
}

function providersSection() {
  if (run.providers.length === 0) return section("providers", t("Providers side by side"), absent(t("Providers were not compared.")));
  const disposition = (path) => {
    const value = at(`${path}/disposition`), message = at(`${path}/message`);
    const cell = h("span", { class: `disposition ${value}`, title: message || null }, term(`${path}/disposition`));
    return Object.assign(cell, { key: value });
  };
  return section("providers", t("Providers side by side"),
    paragraph(t("Each kernel call of the model by each provider of the device. Results are verified against float64 loops before the call is timed. Speedup is the time of the vendor's library divided by this time.")),
    table({
      caption: t("Kernel calls of the model by provider"), id: "providers-table",
      columns: [column(t("batch size"), { rank: true }), textColumn(t("call"), { header: true }), textColumn(t("provider")), textColumn(t("result")), column(t("largest error")),
        column(us(deviceClock ? clockName() : t("median"))), column(t("spread, %")), column("GFLOP/s"), column("GB/s"), column(t("roof, %"), { bar: true }), column(t("speedup"))],
      rows: paths("/providers").map((path) => {
        const provider = at(`${path}/provider`);
        const timed = (name, kind) => num(`${path}/${name}`, kind, { provider });
        return [num(`${path}/batch`, "count"), word(`${path}/layer`), word(`${path}/provider`), disposition(path), num(`${path}/error`, "error"),
          timed("median_us", "us"), timed("spread", "share"), timed("gflops", "rate"), timed("gbytes", "rate"), roofCell(path, provider), timed("vendor_ratio", "ratio")];
      }),
      limit: 12 }));
}

function correlationsSection() {
  if (run.correlations.length === 0) return section("correlations", t("Rank correlations"), absent(t("There is nothing to correlate.")));
  return section("correlations", t("Rank correlations"),
    paragraph(t("Kendall's tau-b of two rankings over their common operators: 1 means the same order, −1 the reverse, 0 no association. Pairs within the noise count as ties. The interval is a 95 % bootstrap interval.")),
    table({
      caption: t("Kendall's tau-b"), id: "correlation-table",
      columns: [textColumn(t("ranking"), { header: true }), textColumn(t("compared with")), column("τ-b"), column(t("from")), column(t("to")), column(t("operators")), column(t("ties in the first")), column(t("ties in the second"))],
      rows: paths("/correlations").map((path) => [term(`${path}/first`), term(`${path}/second`), num(`${path}/tau`, "tau"), num(`${path}/low`, "tau"), num(`${path}/high`, "tau"),
        num(`${path}/items`, "count"), num(`${path}/tied_first`, "count"), num(`${path}/tied_second`, "count")]) }));
}

// The paragraph of explanation.cpp, with numbers that carry their path.
function explanation() {
  const shownPart = (part) => typeof part === "string" ? part : part.kind === "code" ? code(part.path)
    : part.kind === "word" ? word(part.path) : part.over ? quotient(part.path, part.over, part.kind, part.less) : num(part.path, part.kind);
  return page.explanation.length === 0 ? null : h("p", { class: "explanation" }, page.explanation.map(shownPart));
}

function faithfulSection() {
  if (run.faithful.length === 0) return section("faithful", t("The lab's measurement"), absent(t("The lab's measurement was not run.")));
  const referenceTable = (path) => paths(`${path}/reference`).length === 0
    ? absent(t("The reference has no table for batch size {0}.", num(`${path}/batch`, "count")))
    : table({
      id: `reference-${at(`${path}/batch`)}`,
      caption: t("The reference at batch size {0}", num(`${path}/batch`, "count")),
      columns: [column(t("rank"), { rank: true }), textColumn(t("operator"), { header: true }), column(us(t("time")))],
      rows: paths(`${path}/reference`).map((row) => [num(`${row}/rank`, "count"), code(`${row}/op`),
        // Not marked: the reference was measured on a real GPU.
        Object.assign(h("span", { "data-path": `${row}/total_us`, "data-scale": 1 }, shown(at(`${row}/total_us`), "us")), { key: at(`${row}/total_us`) })]),
      sorted: [0, "ascending"], limit: 14 });
  return section("faithful", t("The lab's measurement"),
    explanation(),
    paths("/faithful").map((path) => [
      heading(3, t("Batch size {0}", num(`${path}/batch`, "count"))),
      h("div", { class: "pair beside" }, table({
        id: `faithful-${at(`${path}/batch`)}`,
        caption: t("This run: one cold forward pass of {0} image, {1}", num(`${path}/images`, "count"), full(`${path}/wall_us`, "us")),
        columns: [column(t("rank"), { rank: true }), textColumn(t("operator"), { header: true }), column(us(t("time"))), column(t("reference rank"), { rank: true }), textColumn(t("operator in Metron"), { wrap: true })],
        rows: paths(`${path}/rows`).map((row) => [num(`${row}/rank`, "count"), code(`${row}/op`), num(`${row}/total_us`, "us"), num(`${row}/reference_rank`, "count"), code(`${row}/source`)])
          .concat(paths(`${path}/starts`).map((start) => [num("/none", "count"), word(`${start}/name`), num(`${start}/us`, "us"), num("/none", "count"), code(`${start}/op`)])),
        sorted: [0, "ascending"], limit: 14 }), referenceTable(path))]));
}

function flameSection() {
  return section("flame", t("The trace of a step"),
    page.flames.length === 0 ? absent(t("This page has no trace."))
      : [paragraph(t("Click a bar to zoom in. Escape or the button shows the whole step again. The trace file, for Perfetto, has the warm steps too.")), flameFigure()]);
}

function notesSection() {
  return section("notes", t("Notes"),
    run.notes.length > 0 ? h("ul", { class: "notes" }, page.notes.map((text) => h("li", {}, text))) : null,
    h("div", { class: "pair" }, facts(t("The timer"), [
      [t("a record of an operator"), full("/timer/op_ns", "ns")], [t("a record of a kernel"), full("/timer/kernel_ns", "ns")],
      [t("a record of memory"), full("/timer/memory_ns", "ns")], [t("noise of an empty record"), full("/timer/noise_ns", "ns")]]),
    run.files.length > 0 ? facts(t("Other files of the report"), paths("/files").map((path) => [h("a", { href: at(`${path}/name`) }, word(`${path}/name`)), term(`${path}/what`)])) : null));
}
