// The roofline: kernels below the measured roofs, on axes close around them.

// The limits of a logarithmic axis.
const around = (values) => [roundNumber(Math.min(...values) * 0.85, false), roundNumber(Math.max(...values) * 1.2, true)];

// Positions for labels of points, [x, y, anchor] or null: free of points, each other and the frame.
function labelPositions(labels, taken, { left, top, right, bottom }) {
  const boxes = [...taken];
  return labels.map(({ x, y, width }) => {
    const height = 13, away = 9;
    const places = [];
    for (let d = 0; d < 60; d += 7) places.push(
      [x + away, y, "start"], [x - away, y, "end"], [x, y - away - 4 - d, "middle"], [x, y + away + 4 + d, "middle"],
      [x + away, y - d, "start"], [x - away, y - d, "end"], [x + away, y + d, "start"], [x - away, y + d, "end"]);
    const found = places.find(([px, py, anchor]) => {
      const from = anchor === "start" ? px : anchor === "end" ? px - width : px - width / 2;
      const box = [from, py - height / 2, from + width, py + height / 2];
      if (box[0] < left + 2 || box[2] > right || box[1] < top || box[3] > bottom - 2) return false;
      if (boxes.some((each) => each[0] < box[2] && box[0] < each[2] && each[1] < box[3] && box[1] < each[3])) return false;
      boxes.push(box);
      return true;
    });
    return found ?? null;
  });
}

function rooflineFigure() {
  const points = paths("/roofline").filter((path) => at(`${path}/intensity`) > 0 && at(`${path}/gflops`) > 0);
  const series = (path) => Math.max(0, settings.batch_sizes.indexOf(at(`${path}/batch`)));
  const cached = (path) => at(`${path}/roof_kind`) === "cached";
  const { gflops, gbytes } = run.roofs;
  const roofAt = (intensity) => Math.min(gflops, intensity * gbytes);
  const largest = Math.max(...settings.batch_sizes);
  const top = points.filter((path) => at(`${path}/batch`) === largest)
    .sort((a, b) => at(`${b}/share`) - at(`${a}/share`))
    .filter((path, i, all) => all.findIndex((other) => at(`${other}/name`) === at(`${path}/name`)) === i);

  function draw(width) {
    const height = Math.round(Math.min(460, Math.max(300, width * 0.55)));
    const area = { left: 62, top: 12, right: width - 14, bottom: height - 44 };
    const xs = points.map((path) => at(`${path}/intensity`)), ys = points.map((path) => at(`${path}/gflops`));
    const knee = gflops && gbytes ? gflops / gbytes : null;
    // A knee farther away would leave an empty decade.
    if (knee && knee > Math.min(...xs) / 10 && knee < Math.max(...xs) * 10) xs.push(knee);
    const [x0, x1] = around(xs);
    if (knee) ys.push(roofAt(x1));
    const [y0, y1] = around(ys);
    const x = { map: logarithmic(x0, x1, area.left, area.right), ticks: logTicks(x0, x1, Math.floor(width / 60)) };
    const y = { map: logarithmic(y0, y1, area.bottom, area.top), ticks: logTicks(y0, y1, Math.floor(height / 40)) };
    let roof = null;
    if (knee) {
      const from = Math.max(x0, y0 / gbytes);
      const corners = [from, ...(knee > from && knee < x1 ? [knee] : []), x1];
      roof = s("path", { class: "line7 line", d: `M${corners.map((each) => `${x.map(each).toFixed(1)},${y.map(roofAt(each)).toFixed(1)}`).join("L")}` });
    }
    const at_px = (path) => [x.map(at(`${path}/intensity`)), y.map(at(`${path}/gflops`))];
    const named = top.slice(0, width > 600 ? 5 : 3);
    const positions = labelPositions(named.map((path) => ({ x: at_px(path)[0], y: at_px(path)[1], width: at(`${path}/name`).length * 7.2 })),
      points.map(at_px).map(([a, b]) => [a - 5, b - 5, a + 5, b + 5]), area);
    return canvas(width, height, t("Roofline"), axes(area, x, y, { x: t("FLOP per byte"), y: "GFLOP/s" }), roof,
      points.map((path) => {
        const dot = s("g", { tabindex: 0, role: "img", "data-point": path, class: cached(path) ? "pale" : null, "aria-label": `${at(`${path}/name`)}: ${shown(at(`${path}/gflops`), "rate")} GFLOP/s` },
          marker(series(path), ...at_px(path), 4.5));
        return explain(dot, () => [line("", opName(path)), line(t("operator"), word(`${path}/op`)), line(t("phase"), term(`${path}/phase`)),
          line(t("provider"), word(`${path}/provider`)), h("div", {}, batchName(`${path}/batch`)),
          cached(path) ? line(t("roof"), term(`${path}/roof_kind`)) : null, line("GFLOP/s", num(`${path}/gflops`, "rate")), line(t("FLOP per byte"), num(`${path}/intensity`, "ratio")),
          line(t("share of the wall time"), full(`${path}/share`, "share"))]);
      }),
      named.map((path, i) => positions[i] && s("text", { class: "label", x: positions[i][0], y: positions[i][1], "text-anchor": positions[i][2], "dominant-baseline": "middle" }, at(`${path}/name`))));
  }
  return figure({
    id: "roofline-chart",
    caption: t("Roofline: FLOP/s of kernels over their arithmetic intensity"),
    legend: legend([
      ...settings.batch_sizes.map((_, b) => [batchName(`/settings/batch_sizes/${b}`), b, "dot"]),
      ...(gflops && gbytes ? [[t("the roof, as measured"), 7, "line"]] : []),
      ...(points.some(cached) ? [[t("pale: operands in a cache"), 0, "dot pale"]] : [])]),
    draw,
  });
}
