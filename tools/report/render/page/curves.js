// Loss and accuracy over the training steps.

// Minimum and maximum of each pixel column, which cover the same pixels as a line through all points.
function thinned(xs, ys, map) {
  const points = [];
  for (let i = 0; i < xs.length;) {
    const column = Math.round(map(xs[i]));
    const first = i;
    let [low, high] = [-1, -1];
    for (; i < xs.length && Math.round(map(xs[i])) === column; ++i) {
      if (!Number.isFinite(ys[i])) continue;
      if (low < 0 || ys[i] < ys[low]) low = i;
      if (high < 0 || ys[i] > ys[high]) high = i;
    }
    if (low < 0) points.push([xs[first], NaN]);  // a gap
    else for (const each of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) points.push([xs[each], ys[each]]);
  }
  return points;
}

function nearest(sorted, value) {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1; else high = middle;
  }
  return low > 0 && value - sorted[low - 1] < sorted[low] - value ? low - 1 : low;
}

// lines: { xs, ys, series, kind: "line" | "thin", dots: path of a list whose elements are marked by dots }.
// values(i): the tooltip at the i-th of `steps`.
function lineChart(width, { label, yName, steps, lines, lo, hi, text, values }) {
  const height = Math.round(Math.min(380, Math.max(250, width * 0.42)));
  const area = { left: 58, top: 10, right: width - 12, bottom: height - 44 };
  const last = Math.max(...lines.flatMap((line) => line.xs.slice(-1)), 1);
  const x = through(0, last, area.left, area.right, Math.floor(width / 110));
  const y = { ...through(lo, hi, area.bottom, area.top, Math.floor(height / 55)), text };
  const drawn = lines.map((line) => {
    const points = thinned(line.xs, line.ys, x.map).map(([a, b]) => [x.map(a), y.map(Math.min(hi, Math.max(lo, b)))]);
    const drawable = (i) => i >= 0 && Number.isFinite(points[i][1]);
    const d = points.map(([a, b], i) => drawable(i) ? `${drawable(i - 1) ? "L" : "M"}${a.toFixed(1)},${b.toFixed(1)}` : "").join("");
    return [s("path", { d, class: `line${line.series} ${line.kind}` }),
      line.dots && points.map(([a, b], i) => drawable(i) && fill(marker(line.series, a, b), { "data-point": `${line.dots}/${i}` }, []))];
  });
  const cursor = s("path", { class: "cursor", visibility: "hidden" });
  const chart = canvas(width, height, label, axes(area, x, y, { x: t("training step"), y: yName }), drawn, cursor);
  chart.setAttribute("tabindex", "0");

  let now = -1;
  function point(i, pageY) {
    now = Math.max(0, Math.min(steps.length - 1, i));
    const at_x = x.map(steps[now]);
    cursor.setAttribute("d", `M${at_x},${area.top}V${area.bottom}`);
    cursor.setAttribute("visibility", "visible");
    const box = chart.getBoundingClientRect();
    showTip(box.left + at_x * box.width / width, pageY ?? box.top + box.height / 2, values(now));
  }
  const leave = () => { hideTip(); cursor.setAttribute("visibility", "hidden"); };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const at_x = (event.clientX - box.left) * width / box.width;
    point(nearest(steps, (at_x - area.left) / (area.right - area.left) * last), event.clientY);
  });
  chart.addEventListener("pointerleave", leave);
  chart.addEventListener("blur", leave);
  chart.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -100, PageDown: 100, Home: -1e9, End: 1e9 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    point((now < 0 ? 0 : now) + by);
  });
  return chart;
}

const line = (name, ...value) => h("div", {}, h("b", {}, name), " ", ...value);

// A single value in place of a chart, which would be empty but for a point.
const numberFigure = (id, caption, value, note) => h("figure", { id, class: "number" }, h("figcaption", {}, caption),
  h("p", {}, h("strong", {}, value), h("span", {}, note)));
const afterEpoch = () => t("after epoch {0}", num("/training/tests/0/epoch", "count"));

function lossFigure() {
  const { curve, tests } = run.training;
  if (curve.step.length < 2 && tests.length < 2) return tests.length > 0
    ? numberFigure("loss", t("Test loss"), num("/training/tests/0/loss", "loss"), afterEpoch())
    : numberFigure("loss", t("Loss: the mean negative log likelihood of a batch"), num("/training/curve/loss/0", "loss"), t("after step {0}", num("/training/curve/step/0", "count")));
  const shownLosses = [curve.loss.slice(0, 200), tests.map((test) => test.loss)].map((list) => list.filter(Number.isFinite));
  const top = Math.max(...(shownLosses[0].length > 0 ? shownLosses[0] : shownLosses[1]), 1e-9);
  const values = (i) => [
    line(t("step"), num(`/training/curve/step/${i}`, "count"), ", ", t("epoch"), " ", num(`/training/curve/epoch/${i}`, "count")),
    line(t("loss of the batch"), num(`/training/curve/loss/${i}`, "loss")),
    line(t("mean loss"), num(`/training/curve/smoothed/${i}`, "loss"))];
  const testValues = (i) => [line(t("epoch"), num(`/training/tests/${i}/epoch`, "count")),
    line(t("test loss"), num(`/training/tests/${i}/loss`, "loss"))];
  const has = curve.step.length > 0;
  return figure({
    id: "loss",
    caption: t("Loss: the mean negative log likelihood of a batch"),
    legend: legend([
      ...(has ? [[t("loss of the batch"), 5, "thin"], [t("mean of the last {0} batches", num("/training/curve/window", "count")), 0, "line"]] : []),
      [t("test loss"), 1, "dot"]]),
    draw: (width) => lineChart(width, {
      label: t("Loss over the training steps"), yName: t("loss"), lo: 0, hi: top * 1.05,
      steps: has ? curve.step : tests.map((test) => test.step), values: has ? values : testValues,
      lines: [
        { xs: curve.step, ys: curve.loss, series: 5, kind: "thin" },
        { xs: curve.step, ys: curve.smoothed, series: 0, kind: "line" },
        { xs: tests.map((test) => test.step), ys: tests.map((test) => test.loss), series: 1, kind: "line dashed", dots: "/training/tests" }],
    }),
  });
}

function accuracyFigure() {
  const { tests } = run.training;
  if (tests.length === 1) return numberFigure("accuracy", t("Test accuracy"), full("/training/tests/0/accuracy", "percent2"), afterEpoch());
  const least = Math.min(...tests.map((test) => test.accuracy));
  const lo = Math.max(0, Math.floor((least - 0.002) * 100) / 100);
  return figure({
    id: "accuracy",
    caption: t("Accuracy on the test images after each epoch"),
    draw: (width) => lineChart(width, {
      label: t("Accuracy over the training steps"), yName: t("accuracy"), lo, hi: 1,
      text: (value) => `${+(value * 100).toFixed(2)} %`,
      steps: tests.map((test) => test.step),
      values: (i) => [
        line(t("step"), num(`/training/tests/${i}/step`, "count"), ", ", t("epoch"), " ", num(`/training/tests/${i}/epoch`, "count")),
        line(t("accuracy"), full(`/training/tests/${i}/accuracy`, "percent2"))],
      lines: [{ xs: tests.map((test) => test.step), ys: tests.map((test) => test.accuracy), series: 2, kind: "line", dots: "/training/tests" }],
    }),
  });
}
