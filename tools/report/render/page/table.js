// Tables with sortable columns, which scroll horizontally.
// columns: { head, text: not a number, header: names the row, rank: ascending by default, bar: a share that is
// also drawn, wrap: long text that may break }.
// rows: lists of nodes with a sort `key`; null sorts last.
// sorted: [column, "ascending" | "descending"]. limit: rows shown while the table is collapsed.
function table({ caption, columns, rows, sorted, limit, id }) {
  const body = h("tbody");
  const lines = rows.map((cells) =>
    h("tr", {}, cells.map((cell, i) => {
      const tag = columns[i].header ? "th" : "td";
      const share = columns[i].bar && cell.key !== null ? `--share:${Math.min(1, cell.key)}` : null;
      return h(tag, { class: `${columns[i].text ? "text" : "figure"}${columns[i].wrap ? " wrap" : ""}`, scope: tag === "th" ? "row" : null, style: share }, cell);
    })));
  const heads = columns.map((column, i) =>
    h("th", { scope: "col", "aria-sort": "none", class: column.text ? "text" : "figure" },
      h("button", { type: "button", onclick: () => sort(i, next(i)) }, column.head)));

  const next = (i) => {
    const now = heads[i].getAttribute("aria-sort");
    if (now === "none") return columns[i].text || columns[i].rank ? "ascending" : "descending";
    return now === "ascending" ? "descending" : "ascending";
  };
  let all = !limit || rows.length <= limit;
  const show = () => [...body.rows].forEach((row, i) => row.classList.toggle("beyond", !all && i >= limit));
  function sort(column, direction) {
    heads.forEach((head, i) => head.setAttribute("aria-sort", i === column ? direction : "none"));
    const sign = direction === "ascending" ? 1 : -1;
    const order = rows.map((_, i) => i).sort((a, b) => {
      const [x, y] = [rows[a][column].key, rows[b][column].key];
      const empty = (value) => value === null || value === undefined || value === "";
      if (empty(x) || empty(y)) return empty(x) - empty(y);
      return sign * (typeof x === "string" ? x.localeCompare(y, page.lang) : x - y);
    });
    body.append(...order.map((i) => lines[i]));
    show();
  }
  body.append(...lines);
  if (sorted) heads[sorted[0]].setAttribute("aria-sort", sorted[1]);
  show();

  const more = all ? null : h("button", { type: "button", class: "more", "aria-expanded": "false", onclick: () => {
    all = !all;
    more.setAttribute("aria-expanded", String(all));
    more.textContent = all ? t("Show fewer") : t("Show all rows");
    show();
  } }, t("Show all rows"));
  const title = h("caption", {}, h("span", {}, caption));
  const name = typeof caption === "string" ? caption : title.textContent;
  return h("div", { class: "table" },
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": name },
      h("table", { id }, title, h("thead", {}, h("tr", {}, heads)), body)),
    more);
}

// A table of names and values.
const facts = (caption, rows) =>
  h("div", { class: "table" }, h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    h("table", { class: "facts" }, h("caption", {}, h("span", {}, caption)),
      h("tbody", {}, rows.filter((row) => row).map(([name, ...value]) =>
        h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)))))));
