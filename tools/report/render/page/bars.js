// Charts: comparison of batch sizes, phases of a step, roofline.

const opName = (path) => {
  const inner = h("code", {}, word(`${path}/name`));
  return Object.assign(inner, { key: at(`${path}/name`) });
};
const batchName = (path) => t("batch size {0}", num(path, "count"));

// The most expensive ops: a group of bars per op, a bar per batch size.
function comparisonFigure(limit) {
  const groups = paths("/comparison").slice(0, limit);
  let by = "share";
  const controls = choice(t("Show"), [["share", t("share of the step")], ["time_us", t("time, logarithmic")]], by,
    (value) => { by = value; element.redraw(); });
  function draw(width) {
    const bar = 11, gap = 12;
    const names = Math.min(250, Math.max(110, width * 0.3));
    const group = bar * settings.batch_sizes.length + gap;
    const height = groups.length * group + 54;
    const area = { left: names, top: 6, right: width - 56, bottom: height - 44 };
    const all = groups.flatMap((path) => at(`${path}/${by}`)).filter((value) => value > 0);
    const hi = Math.max(...all), lo = 10 ** Math.floor(Math.log10(Math.min(...all)));
    const log = by === "time_us";
    const x = log
      ? { map: logarithmic(lo, hi, area.left, area.right), ticks: decades(lo, hi) }
      : { ...through(0, hi, area.left, area.right, Math.floor((area.right - area.left) / 90)), text: (value) => `${+(value * 100).toFixed(1)} %` };
    const bars = groups.map((path, g) => {
      const top = area.top + g * group + gap / 2;
      const name = at(`${path}/name`);
      const most = Math.floor((names - 12) / 7.4);
      return [
        s("text", { class: "label", x: names - 8, y: top + (group - gap) / 2, "text-anchor": "end", "dominant-baseline": "middle" },
          name.length > most ? name.slice(0, most - 1) + "…" : name, s("title", {}, name)),
        settings.batch_sizes.map((_, b) => {
          const value = at(`${path}/${by}/${b}`);
          if (!(value > 0)) return null;
          const length = Math.max(1, x.map(value) - area.left);
          const rect = s("rect", { x: area.left, y: top + b * bar, width: length, height: bar - 1.5, class: `fill${b % 8} bar`, tabindex: 0, role: "img", "data-point": `${path}/${by}/${b}`,
            "aria-label": `${name}, ${t("batch size {0}", String(settings.batch_sizes[b]))}: ${shownWithUnit(value, log ? "us" : "share")}` });
          return [explain(rect, () => [line("", opName(path)), line(t("phase"), term(`${path}/phase`)),
            h("div", {}, batchName(`/settings/batch_sizes/${b}`)),
            line(t("time per step"), full(`${path}/time_us/${b}`, "us")), line(t("share"), full(`${path}/share/${b}`, "share")),
            line(t("rank"), num(`${path}/rank/${b}`, "count"))]),
          s("text", { class: "value", x: area.left + length + 4, y: top + b * bar + bar / 2, "dominant-baseline": "middle" },
            s("tspan", { "data-path": `${path}/${by}/${b}`, "data-scale": log ? 1 : 0.01 }, shown(value, log ? "us" : "share")), drawnMark("share"))];
        })];
    });
    return canvas(width, height, t("The most expensive operators at each batch size"),
      axes(area, x, { ticks: [], map: () => 0 }, { x: log ? t("time per step, µs") : t("share of the step") }), bars);
  }
  const element = figure({
    id: "comparison-chart",
    caption: t("The most expensive operators at each batch size"),
    controls,
    legend: legend(settings.batch_sizes.map((_, b) => [batchName(`/settings/batch_sizes/${b}`), b, "box"])),
    draw,
  });
  return element;
}

// A group of buttons, one of which is pressed.
function choice(name, entries, chosen, choose) {
  const buttons = entries.map(([value, text]) => h("button", {
    type: "button", "aria-pressed": String(value === chosen),
    onclick: (event) => {
      buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === event.currentTarget)));
      choose(value);
    } }, text));
  return h("div", { class: "choice", role: "group", "aria-label": name }, h("span", {}, name), buttons);
}

const phaseNames = ["forward", "backward", "optimizer"];

function phaseFigure() {
  return figure({
    id: "phase-chart",
    caption: t("Share of each phase in the operators' time"),
    legend: legend(phaseNames.map((name, i) => [t(name), i, "box"])),
    draw(width) {
      const row = 34, left = 96;
      const height = run.batches.length * row + 6;
      return canvas(width, height, t("Share of each phase in the operators' time"), paths("/batches").map((path, b) => {
        let from = left;
        const y = b * row + 4;
        return [
          s("text", { class: "label", x: left - 8, y: y + 13, "text-anchor": "end", "dominant-baseline": "middle" }, t("batch size {0}", s("tspan", { "data-path": `${path}/batch`, "data-scale": 1 }, String(at(`${path}/batch`))))),
          paths(`${path}/phases`).map((phase) => {
            const share = at(`${phase}/share`);
            const length = share * (width - left - 4);
            const i = Math.max(0, phaseNames.indexOf(at(`${phase}/phase`)));
            const rect = s("rect", { x: from, y, width: Math.max(0, length - 2), height: 26, rx: 2, class: `fill${i} bar`, tabindex: 0, role: "img",
              "aria-label": `${t(at(`${phase}/phase`))} ${shownWithUnit(share, "share")}` });
            const text = length > 52 && s("text", { class: "inside", x: from + length / 2 - 1, y: y + 14, "text-anchor": "middle", "dominant-baseline": "middle" },
              s("tspan", { "data-path": `${phase}/share`, "data-scale": 0.01 }, shown(share, "share")), drawnMark("share"), " %");
            from += length;
            return [explain(rect, () => [line(t("phase"), term(`${phase}/phase`)), line(t("share"), full(`${phase}/share`, "share")),
              line(t("host time"), full(`${phase}/self_us`, "us"))]), text || null];
          })];
      }));
    },
  });
}

function rooflineFigure() {
  const points = paths("/roofline").filter((path) => at(`${path}/intensity`) > 0 && at(`${path}/gflops`) > 0);
  const series = (path) => Math.max(0, settings.batch_sizes.indexOf(at(`${path}/batch`)));
  const cached = (path) => at(`${path}/roof_kind`) === "cached";
  const { gflops, gbytes } = run.roofs;
  return figure({
    id: "roofline-chart",
    caption: t("Roofline: FLOP/s of kernels over their arithmetic intensity"),
    legend: legend([
      ...settings.batch_sizes.map((_, b) => [batchName(`/settings/batch_sizes/${b}`), b, "dot"]),
      ...(gflops && gbytes ? [[t("the roof, as measured"), 7, "line"]] : []),
      ...(points.some(cached) ? [[t("pale: operands in a cache"), 0, "dot pale"]] : [])]),
    draw(width) {
      const height = Math.round(Math.min(460, Math.max(300, width * 0.55)));
      const area = { left: 62, top: 12, right: width - 14, bottom: height - 44 };
      const xs = points.map((path) => at(`${path}/intensity`)), ys = points.map((path) => at(`${path}/gflops`));
      if (gflops && gbytes) { xs.push(gflops / gbytes * 3); ys.push(gflops * 1.4); }
      const span = (all) => [10 ** Math.floor(Math.log10(Math.min(...all))), 10 ** Math.ceil(Math.log10(Math.max(...all)))];
      const [[x0, x1], [y0, y1]] = [span(xs), span(ys)];
      const x = { map: logarithmic(x0, x1, area.left, area.right), ticks: decades(x0, x1) };
      const y = { map: logarithmic(y0, y1, area.bottom, area.top), ticks: decades(y0, y1) };
      let roof = null;
      if (gflops && gbytes) {
        const knee = gflops / gbytes, from = Math.max(x0, y0 / gbytes);
        const start = from < knee ? `M${x.map(from)},${y.map(from * gbytes)}L${x.map(knee)},${y.map(gflops)}` : `M${area.left},${y.map(gflops)}`;
        roof = s("path", { class: "line7 line", d: `${start}H${area.right}` });
      }
      const largest = Math.max(...settings.batch_sizes);
      const named = points.filter((path) => at(`${path}/batch`) === largest)
        .sort((a, b) => at(`${b}/share`) - at(`${a}/share`))
        .filter((path, i, all) => all.findIndex((other) => at(`${other}/name`) === at(`${path}/name`)) === i).slice(0, width > 600 ? 4 : 2);
      return canvas(width, height, t("Roofline"), axes(area, x, y, { x: t("FLOP per byte"), y: "GFLOP/s" }), roof,
        points.map((path) => {
          const [a, b] = [x.map(at(`${path}/intensity`)), y.map(at(`${path}/gflops`))];
          const dot = s("g", { tabindex: 0, role: "img", "data-point": path, class: cached(path) ? "pale" : null, "aria-label": `${at(`${path}/name`)}: ${shown(at(`${path}/gflops`), "rate")} GFLOP/s` },
            marker(series(path), a, b, 4.5));
          return explain(dot, () => [line("", opName(path)), line(t("operator"), word(`${path}/op`)), line(t("phase"), term(`${path}/phase`)),
            line(t("provider"), word(`${path}/provider`)), h("div", {}, batchName(`${path}/batch`)),
            cached(path) ? line(t("roof"), term(`${path}/roof_kind`)) : null, line("GFLOP/s", num(`${path}/gflops`, "rate")), line(t("FLOP per byte"), num(`${path}/intensity`, "ratio")),
            line(t("share"), full(`${path}/share`, "share"))]);
        }),
        named.map((path) => {
          const a = x.map(at(`${path}/intensity`));
          const right = a > width * 0.6;
          return s("text", { class: "label", x: a + (right ? -9 : 9), y: y.map(at(`${path}/gflops`)) + 4, "text-anchor": right ? "end" : "start" }, at(`${path}/name`));
        }));
    },
  });
}
