// Flame charts of single training steps: nested events are below their parents. An event is
// [depth, name, kind, phase, provider, module, start in ns, duration in ns, record in the trace].
const kinds = ["op", "kernel", "range"];

function flameFigure() {
  let flame = page.flames.findLast((each) => !each.cold) ?? page.flames[0];
  let focus = null;  // the event zoomed to
  const row = 22;

  const label = (each) => each.cold
    ? t("cold, batch size {0}", String(each.batch)) : t("warm, batch size {0}", String(each.batch));
  const reset = h("button", { type: "button", disabled: true, onclick: () => zoomTo(null) }, t("Whole step"));
  const choices = choice(t("Step"), page.flames.map((each) => [each, label(each)]), flame, (each) => {
    flame = each;
    zoomTo(null);
  });
  const element = figure({
    id: "flame-chart",
    caption: t("A training step as the timer recorded it: nested operators are below their parents"),
    controls: h("div", { class: "controls" }, choices, reset),
    legend: legend(phaseNames.map((name, i) => [t(name), i, "box"])),
    draw,
  });

  function zoomTo(event) {
    focus = event;
    reset.disabled = event === null;
    hideTip();
    element.redraw();
    if (event !== null) reset.focus();
  }

  function describe([depth, name, kind, phase, provider, module, start, duration, record]) {
    return [line("", h("code", {}, flame.names[name])),
      line(t("kind"), t(kinds[kind])), line(t("phase"), t(phaseNames[phase])),
      provider > 0 ? line(t("provider"), flame.names[provider]) : null, module > 0 ? line(t("module"), flame.names[module]) : null,
      line(t("time"), h("span", { "data-trace": record }, shown(duration / 1000, "us")), " µs"),
      line(t("start"), shown(start / 1000, "us"), " µs")];
  }

  function draw(width) {
    const [from, length] = focus ? [focus[6], focus[7]] : [0, flame.wall_ns];
    const deepest = Math.max(0, ...flame.events.map((event) => event[0]));
    const height = (deepest + 1) * row + 40;
    const x = { map: linear(from, from + length, 0, width),
      ticks: ticks(from / 1000, (from + length) / 1000, Math.floor(width / 110)).map((us) => us * 1000), text: (ns) => tickText(ns / 1000) };
    const bars = flame.events.map((event) => {
      const [depth, name, kind, phase, , , start, duration] = event;
      const left = Math.max(0, x.map(start)), right = Math.min(width, x.map(start + duration));
      if (right <= 0 || left >= width || right - left < 0.4) return null;
      const text = flame.names[name];
      const fits = Math.floor((right - left - 8) / 8);
      const bar = s("g", { class: `event ${kinds[kind]} phase${phase}`, tabindex: right - left > 3 ? 0 : null, role: "button", "aria-label": `${text}, ${shown(duration / 1000, "us")} µs` },
        s("rect", { x: left, y: depth * row, width: Math.max(0.6, right - left - 0.6), height: row - 2, rx: 2 }),
        fits >= 3 && s("text", { x: left + 5, y: depth * row + row / 2, "dominant-baseline": "middle" },
          text.length > fits ? text.slice(0, fits - 1) + "…" : text) || null);
      bar.addEventListener("click", () => zoomTo(event));
      bar.addEventListener("keydown", (pressed) => {
        if (pressed.key === "Enter" || pressed.key === " ") { pressed.preventDefault(); zoomTo(event); }
      });
      return explain(bar, () => describe(event));
    });
    const bottom = (deepest + 1) * row + 2;
    const svg = canvas(width, height, label(flame), s("g", { class: "axis" },
      x.ticks.map((value) => {
        const half = 3.5 * x.text(value).length + 2;  // of the label, which must not be cut off
        return [s("path", { class: "grid", d: `M${x.map(value)},0V${bottom}` }),
          s("text", { x: Math.min(width - half, Math.max(half, x.map(value))), y: bottom + 14, "text-anchor": "middle" }, x.text(value))];
      }),
      s("text", { class: "name", x: width / 2, y: bottom + 32, "text-anchor": "middle" }, t("time since the start of the step, µs"))), bars);
    svg.setAttribute("role", "group");
    return svg;
  }
  element.addEventListener("keydown", (event) => { if (event.key === "Escape" && focus) zoomTo(null); });
  return element;
}
