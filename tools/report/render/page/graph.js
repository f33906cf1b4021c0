// The data-flow graph at Graphviz's coordinates, with zoom and pan, in as many columns as fit the width.
const graphMargin = 12;
const longest = () => run.graph.nodes.reduce((found, node, i) => (node.time_us ?? 0) > (run.graph.nodes[found].time_us ?? 0) ? i : found, 0);

// The scale of the colors, by the square root of the time, as otherwise all but the longest would look alike.
function heatLegend() {
  const path = `/graph/nodes/${longest()}/time_us`;
  return at(path) === null ? null : h("p", { class: "heat" }, t("time per call"), ": ", h("span", { class: "axis" }, "0"), h("i"), full(path, "us"), " ", t("(root scale)"));
}

function graphDrawing(available) {
  const fits = page.layouts.filter((each) => each.width + 2 * graphMargin <= available);
  const { width, height, nodes, clusters, curves } = fits.at(-1) ?? page.layouts[0];
  const most = run.graph.nodes[longest()].time_us ?? 0;
  const box = ([x, y, w, d], radius, more) => s("rect", { x, y, width: w, height: d, rx: radius, ...more });
  const arrow = ({ points, tip: [x, y] }) => {
    if (points.length < 4) return null;
    const [bx, by] = points.at(-1);
    const length = Math.hypot(x - bx, y - by) || 1;
    const [dx, dy] = [-(y - by) / length * 4, (x - bx) / length * 4];
    return [s("path", { class: "edge", d: `M${points[0]}C${points.slice(1).join(" ")}` }),
      s("path", { class: "head", d: `M${x},${y}L${bx + dx},${by + dy}L${bx - dx},${by - dy}z` })];
  };
  const parts = [
    clusters.map((cluster) => box(cluster.area, 6, { class: "cluster" })),
    curves.map(arrow),
    clusters.map((cluster) => s("text", { class: "module", x: cluster.area[0] + 7, y: cluster.label[1], "dominant-baseline": "middle" }, cluster.name)),
    run.graph.nodes.map((node, i) => {
      const path = `/graph/nodes/${i}`;
      const [x, y, w, d] = nodes[i];
      const lines = [s("tspan", { class: "name", "data-path": `${path}/name` }, node.name)];
      if (node.parameters > 0) lines.push(s("tspan", { class: "detail" }, t("{0} parameters", s("tspan", { "data-path": `${path}/parameters`, "data-scale": 1 }, shown(node.parameters, "count")))));
      if (node.time_us !== null) {
        const ms = node.time_us >= 1000;
        lines.push(s("tspan", { class: "detail" }, s("tspan", { "data-path": `${path}/time_us`, "data-scale": ms ? 1000 : 1 }, shown(node.time_us, ms ? "ms" : "us")), drawnMark("us"), ms ? " ms" : " µs"));
      }
      lines.forEach((each, k) => {
        each.setAttribute("x", x + w / 2);
        each.setAttribute("y", y + d / 2 + 16 * (k - (lines.length - 1) / 2));
      });
      const heat = node.kind === "op" && most > 0 ? Math.sqrt((node.time_us ?? 0) / most) : 0;
      return s("g", { class: `node ${node.kind}` },
        box([x, y, w, d], node.kind === "op" ? 5 : d / 2, { style: node.kind === "op" ? `--heat:${(heat * 100).toFixed(1)}%` : null }),
        s("text", { "text-anchor": "middle", "dominant-baseline": "middle" }, lines));
    }),
    curves.map(({ label }, i) => {
      const edge = run.graph.edges[i];
      return label && s("text", { class: "shape", x: label[0], y: label[1], "text-anchor": "middle", "dominant-baseline": "middle" },
        edge.shape.map((_, k) => [k ? "×" : "", s("tspan", { "data-path": `/graph/edges/${i}/shape/${k}`, "data-scale": 1 }, String(edge.shape[k]))]),
        " ", s("tspan", { "data-path": `/graph/edges/${i}/dtype` }, edge.dtype));
    })];
  const svg = s("svg", { class: "graph", tabindex: 0, role: "img", "aria-label": t("The data-flow graph of the network; the table below it has the same content") }, parts);
  return zoomable(svg, width, height);
}

// Buttons, keys, dragging, pinching and Ctrl+wheel change the view. The wheel alone scrolls the page.
function zoomable(svg, width, height) {
  const whole = () => ({ x: -graphMargin, y: -graphMargin, w: width + 2 * graphMargin, h: height + 2 * graphMargin });
  svg.style.maxWidth = `${whole().w}px`;
  let view = whole();
  const show = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
  const clamp = (value, lo, hi) => Math.max(lo, Math.min(hi, value));
  function zoom(factor, px = 0.5, py = 0.5) {
    const by = clamp(factor, whole().w / 20 / view.w, 3 * whole().w / view.w);
    const [w, h2] = [view.w * by, view.h * by];
    view = { x: view.x + (view.w - w) * px, y: view.y + (view.h - h2) * py, w, h: h2 };
    show();
  }
  function pan(dx, dy) {
    view.x = clamp(view.x + dx, -view.w, width);
    view.y = clamp(view.y + dy, -view.h, height);
    show();
  }
  const fit = () => { view = whole(); show(); };
  const position = (event) => {
    const box = svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.004), ...position(event));
  }, { passive: false });
  svg.addEventListener("dblclick", (event) => zoom(0.6, ...position(event)));

  const fingers = new Map();
  const distance = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY); };
  svg.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    if (fingers.size === 2) {
      const was = distance();
      fingers.set(event.pointerId, event);
      zoom(was / (distance() || 1), ...position(event));
    } else {
      const box = svg.getBoundingClientRect();
      const scale = Math.max(view.w / box.width, view.h / box.height);
      pan((before.clientX - event.clientX) * scale, (before.clientY - event.clientY) * scale);
      fingers.set(event.pointerId, event);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (event) => fingers.delete(event.pointerId));
  svg.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (dx || dy) pan(dx * view.w * 0.1, dy * view.h * 0.1);
    else if (event.key === "+" || event.key === "=") zoom(0.8);
    else if (event.key === "-") zoom(1.25);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });
  const button = (text, name, action) => h("button", { type: "button", "aria-label": name, title: name, onclick: action }, text);
  const controls = h("div", { class: "zoom" }, button("+", t("Zoom in"), () => zoom(0.75)), button("−", t("Zoom out"), () => zoom(1.33)),
    button(t("Fit"), t("Show the whole graph"), fit));
  show();
  return h("div", { class: "zoomable" }, svg, controls);
}
