// Bar charts: comparison of batch sizes, phases of a step.

const opName = (path) => {
  const inner = h("code", {}, word(`${path}/name`));
  return Object.assign(inner, { key: at(`${path}/name`) });
};
const batchName = (path) => t("batch size {0}", num(path, "count"));

// The most expensive ops: a group of bars per op, a bar per batch size.
function comparisonFigure(limit) {
  const groups = paths("/comparison").slice(0, limit);
  let by = "share";
  const controls = choice(t("Show"), [["share", t("share of the wall time")], ["time_us", t("time, logarithmic")]], by,
    (value) => { by = value; element.redraw(); });
  function draw(width) {
    const bar = 11, gap = 12;
    const narrow = width < 560;  // the names are above the bars
    const names = narrow ? 12 : Math.min(250, width * 0.36), nameHeight = narrow ? 15 : 0;
    const group = bar * settings.batch_sizes.length + gap + nameHeight;
    const height = groups.length * group + 54;
    const area = { left: names, top: 6, right: width - 56, bottom: height - 44 };
    const all = groups.flatMap((path) => at(`${path}/${by}`)).filter((value) => value > 0);
    const hi = Math.max(...all), lo = 10 ** Math.floor(Math.log10(Math.min(...all)));
    const log = by === "time_us";
    const x = log
      ? { map: logarithmic(lo, hi, area.left, area.right), ticks: decades(lo, hi) }
      : { ...through(0, hi, area.left, area.right, Math.max(2, Math.floor((area.right - area.left) / 90))), text: (value) => `${+(value * 100).toFixed(1)} %` };
    const bars = groups.map((path, g) => {
      const top = area.top + g * group + gap / 2 + nameHeight;
      const name = at(`${path}/name`);
      const most = narrow ? Infinity : Math.floor((names - 12) / 7.4);
      const place = narrow ? { x: names, y: top - 7, "text-anchor": "start" } : { x: names - 8, y: top + (group - gap) / 2, "text-anchor": "end" };
      return [
        s("text", { class: "label", ...place, "dominant-baseline": "middle" },
          name.length > most ? name.slice(0, most - 1) + "…" : name, s("title", {}, name)),
        settings.batch_sizes.map((_, b) => {
          const value = at(`${path}/${by}/${b}`);
          if (!(value > 0)) return null;
          const length = Math.max(1, x.map(value) - area.left);
          const rect = s("rect", { x: area.left, y: top + b * bar, width: length, height: bar - 1.5, class: `fill${b % 8} bar`, tabindex: 0, role: "img", "data-point": `${path}/${by}/${b}`,
            "aria-label": `${name}, ${t("batch size {0}", String(settings.batch_sizes[b]))}: ${shownWithUnit(value, log ? "us" : "share")}` });
          return [explain(rect, () => [line("", opName(path)), line(t("phase"), term(`${path}/phase`)),
            h("div", {}, batchName(`/settings/batch_sizes/${b}`)),
            line(t("time per step"), full(`${path}/time_us/${b}`, "us")), line(t("share of the wall time"), full(`${path}/share/${b}`, "share")),
            line(t("rank"), num(`${path}/rank/${b}`, "count"))]),
          s("text", { class: "value", x: area.left + length + 4, y: top + b * bar + bar / 2, "dominant-baseline": "middle" },
            s("tspan", { "data-path": `${path}/${by}/${b}`, "data-scale": log ? 1 : 0.01 }, shown(value, log ? "us" : "share")), drawnMark("share"))];
        })];
    });
    return canvas(width, height, t("The most expensive operators at each batch size"),
      axes(area, x, { ticks: [], map: () => 0 }, { x: log ? t("time per step, µs") : t("share of the wall time") }), bars);
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
  const name = t("Share of each phase in the wall time of a step");
  return figure({
    id: "phase-chart",
    caption: name,
    legend: legend([...phaseNames.map((each, i) => [t(each), i, "box"]), [t("remainder"), null, "box"]]),
    draw(width) {
      const row = 34, left = 96;
      const height = run.batches.length * row + 6;
      return canvas(width, height, name, paths("/batches").map((path, b) => {
        let from = left;
        const y = b * row + 4;
        const phases = paths(`${path}/phases`);
        const whole = Math.max(1, phases.reduce((sum, phase) => sum + at(`${phase}/share`), 0));  // medians may exceed it
        return [
          s("text", { class: "label", x: left - 8, y: y + 13, "text-anchor": "end", "dominant-baseline": "middle" }, t("batch size {0}", s("tspan", { "data-path": `${path}/batch`, "data-scale": 1 }, String(at(`${path}/batch`))))),
          s("rect", { class: "rest", x: left, y, width: width - left - 4, height: 26, rx: 2 }),
          phases.map((phase) => {
            const share = at(`${phase}/share`);
            const length = share / whole * (width - left - 4);
            const i = Math.max(0, phaseNames.indexOf(at(`${phase}/phase`)));
            const rect = s("rect", { x: from, y, width: Math.max(0, length - 2), height: 26, rx: 2, class: `fill${i} bar`, tabindex: 0, role: "img",
              "aria-label": `${t(at(`${phase}/phase`))} ${shownWithUnit(share, "share")}` });
            const text = length > 52 && s("text", { class: `inside on${i}`, x: from + length / 2 - 1, y: y + 14, "text-anchor": "middle", "dominant-baseline": "middle" },
              s("tspan", { "data-path": `${phase}/share`, "data-scale": 0.01 }, shown(share, "share")), drawnMark("share"), " %");
            from += length;
            return [explain(rect, () => [line(t("phase"), term(`${phase}/phase`)), line(t("share of the wall time"), full(`${phase}/share`, "share")),
              line(t("host time"), full(`${phase}/self_us`, "us"))]), text || null];
          })];
      }));
    },
  });
}
