#!/usr/bin/env python3
"""Opens a report's page in headless Chromium, interacts with it as a reader would, and prints its findings as JSON.

  page_in_browser.py FOLDER report.html [PICTURES]    FOLDER: the browser's profile; PICTURES: screenshots

Uses the DevTools protocol over a pipe. Status 77, with the reason, without Chromium.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

WIDTH, HEIGHT = 1280, 900
PHONE = 360

NUMBERS = """[...document.querySelectorAll('[data-path]')].map(e => ({
  path: e.dataset.path, scale: e.dataset.scale ? +e.dataset.scale : 0, over: e.dataset.over ?? '',
  less: +(e.dataset.less ?? 0), text: e.textContent}))"""
# Texts with a digit but no source path. Labels on charts and the trace's own times are exempt.
UNTRACED = """(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const around = node.parentElement;
    if (/[0-9]/.test(node.textContent) && !around.closest('script,[data-path],[data-trace],.axis,.label,.module,#flame-chart,title'))
      found.push(node.textContent);
  }
  return found; })()"""
OVERFLOW = """(() => {
  const wide = document.documentElement.scrollWidth;
  const guilty = wide <= innerWidth ? [] : [...document.querySelectorAll('body *')].filter(e =>
    e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll *')).slice(0, 5).map(e => e.outerHTML.slice(0, 120));
  return {width: wide, guilty}; })()"""
COLORS = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
STRUCTURE = """({
  lang: document.documentElement.lang, title: document.title,
  levels: [...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1]),
  sections: [...document.querySelectorAll('main > section')].map(e => e.id),
  tables: document.querySelectorAll('table').length,
  captions: [...document.querySelectorAll('table > caption')].filter(e => e.textContent.trim()).length,
  unnamed: [...document.querySelectorAll('button,[role=img],[role=region],a')].filter(e =>
    !(e.textContent.trim() || e.getAttribute('aria-label'))).length,
  duplicates: (ids => ids.filter((id, i) => ids.indexOf(id) !== i))([...document.querySelectorAll('[id]')].map(e => e.id)),
  nodes: document.querySelectorAll('.graph .node').length, edges: document.querySelectorAll('.graph .edge').length,
  outside: [...document.querySelectorAll('.graph .node')].filter(e => {
    const box = e.querySelector('rect').getBBox(), text = e.querySelector('text').getBBox();
    return text.x < box.x || text.x + text.width > box.x + box.width || text.y < box.y - 2 || text.y + text.height > box.y + box.height + 2;
  }).map(e => e.textContent),
  drawn: document.querySelectorAll('.graph .mark').length, emulated: document.querySelectorAll('.emulated').length, fakes: document.querySelectorAll('.fake').length,
  headings: [...document.querySelectorAll('thead th')].map(e => e.textContent)})"""
# Positions of a chart's ticks, keyed by label, and of its points and bars, keyed by data.
POSITIONS = """(selector => {
  const number = text => { const power = /^10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/.exec(text);
    return power ? 10 ** power[1].replace(/./g, c => '0123456789-'['⁰¹²³⁴⁵⁶⁷⁸⁹⁻'.indexOf(c)]) : parseFloat(text.replaceAll(',', '')); };
  const texts = [...document.querySelectorAll(selector + ' .axis text:not(.name)')];
  const ticks = (anchor, axis) => texts.filter(e => e.getAttribute('text-anchor') === anchor).map(e => [number(e.textContent), +e.getAttribute(axis)]);
  return {x: ticks('middle', 'x'), y: ticks('end', 'y'), points: [...document.querySelectorAll(selector + ' [data-point]')].map(e => {
    const box = e.getBBox(); return {path: e.dataset.point, x: box.x + box.width / 2, y: box.y + box.height / 2, right: box.x + box.width}; })};
})"""
# Texts with less contrast than WCAG's 4.5 to what is painted below them, and how many there are in all.
CONTRAST = """(() => {
  const parse = text => { const [r, g, b, a = 1] = (text.match(/-?[\\d.]+(e-?\\d+)?/g) ?? [0, 0, 0, 0]).map(Number);
    return text.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = color => { const [r, g, b] = color.map(part => { const c = part / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y); return (high + 0.05) / (low + 0.05); };
  const opacity = e => { let all = 1; for (let each = e; each instanceof Element; each = each.parentElement) all *= +getComputedStyle(each).opacity; return all; };
  const backgrounds = new Map();
  const background = e => {
    if (!(e instanceof Element)) return [255, 255, 255, 1];
    if (!backgrounds.has(e)) backgrounds.set(e, over(parse(getComputedStyle(e).backgroundColor), background(e.parentElement)));
    return backgrounds.get(e);
  };
  const shapes = new Map();  // filled ones of each drawing, in the order of painting
  const drawn = (e, box) => {
    const svg = e.closest('svg');
    if (!shapes.has(svg)) shapes.set(svg, [...svg.querySelectorAll('rect, path')].filter(each => getComputedStyle(each).fill !== 'none')
      .map(each => ({ each, box: each.getBoundingClientRect(), fill: (style => { const f = parse(style.fill); f[3] *= style.fillOpacity * opacity(each); return f; })(getComputedStyle(each)) })));
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    let color = background(svg.parentElement);
    for (const shape of shapes.get(svg))
      if (shape.each.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING && shape.box.left <= x && x <= shape.box.right && shape.box.top <= y && y <= shape.box.bottom)
        color = over(shape.fill, color);
    return color;
  };
  let texts = 0;
  const faint = [];
  const check = (text, color, alpha, below) => {
    ++texts;
    const seen = ratio(over([...color.slice(0, 3), color[3] * alpha], below), below);
    if (seen < 4.5) faint.push([+seen.toFixed(2), text.trim().slice(0, 40)]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement, range = document.createRange();
    if (!node.textContent.trim() || e.closest('script, title, noscript')) continue;
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width === 0) continue;
    const style = getComputedStyle(e), svg = e.closest('svg');
    check(node.textContent, parse(svg ? style.fill : style.color), opacity(e), svg ? drawn(e, box) : background(e));
    const after = getComputedStyle(e, '::after');
    if (!svg && after.content.startsWith('"')) check(after.content, parse(after.color), opacity(e) * after.opacity, background(e));
  }
  return { texts, faint };
})()"""
# Texts of a drawing that overlap others, or its edge.
CROWDED = """(() => [...document.querySelectorAll('.plot svg')].flatMap(svg => {
  const all = [...svg.querySelectorAll('text')].map(e => ({ text: e.textContent, box: e.getBoundingClientRect() })), frame = svg.getBoundingClientRect();
  return all.flatMap(({ text, box }, i) => [
    ...all.slice(0, i).filter(other => box.left + 1 < other.box.right && other.box.left + 1 < box.right && box.top + 3 < other.box.bottom && other.box.top + 3 < box.bottom).map(other => `${text} on ${other.text}`),
    ...(box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 3 || box.bottom > frame.bottom + 3 ? [`${text} is cut off`] : [])]); }))()"""
GRAPH = """(() => { const svg = document.querySelector('svg.graph'); if (!svg) return null;
  const box = svg.getBoundingClientRect(), view = svg.getAttribute('viewBox').split(' ').map(Number);
  return { scale: box.width / view[2], height: box.height, columns: new Set([...svg.querySelectorAll('.node rect')].map(e => { const b = e.getBBox(); return Math.round((b.x + b.width / 2) / 20); })).size }; })()"""
COLUMN = """((table, column) => [...document.querySelectorAll(table + ' tbody tr')].map(row => row.cells[column].textContent))"""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


class Browser:  # without the sandbox, which root can't use: the page is trusted
    def __init__(self, program, folder):
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def connect():  # the protocol uses descriptors 3 and 4
            ends = [os.dup(to_browser), os.dup(from_browser)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
             "--hide-scrollbars", f"--user-data-dir={folder}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None

    def message(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.read_end, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write_end, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:2000])
        return result["result"].get("value")

    def settle(self):  # charts are drawn once their width is known
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")

    def size(self, width, height, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.settle()

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])
        self.settle()

    def press(self, key, code=0):
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)
            text = {}

    def point(self, selector, across=0.5, down=0.5, click=False):
        x, y = self.evaluate(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
          e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();
          return [b.left + b.width * {across}, b.top + b.height * {down}]; }})()""")
        for kind in ["mouseMoved"] + (["mousePressed", "mouseReleased"] if click else []):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left" if click else "none", clickCount=1)

    def picture(self, folder, name):
        if folder is None:
            return
        height = self.evaluate("document.documentElement.scrollHeight")
        width = self.evaluate("innerWidth")
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})["data"]
        (folder / f"{name}.png").write_bytes(base64.b64decode(data))


def sorting(browser):
    table = browser.evaluate("""(() => { const t = [...document.querySelectorAll('table[id^=ranking-]')].at(0);
      return t ? '#' + t.id : null; })()""")
    if table is None:
        return None
    state = lambda: browser.evaluate(
        f"[...document.querySelectorAll('{table} thead th')].map(e => e.getAttribute('aria-sort'))")
    column = lambda i: browser.evaluate(f"{COLUMN}('{table}', {i})")
    found = {"before": state()}
    browser.point(f"{table} thead th:nth-child(6) button", click=True)
    found["descending"] = {"state": state(), "column": column(5)}
    browser.evaluate(f"document.querySelector('{table} thead th:nth-child(6) button').focus()")
    browser.press("Enter", 13)  # the keyboard does the same as the pointer
    found["ascending"] = {"state": state(), "column": column(5)}
    browser.point(f"{table} thead th:nth-child(2) button", click=True)
    found["names"] = {"state": state(), "column": column(1)}
    browser.point(f"{table} thead th:nth-child(1) button", click=True)
    return found


def tips(browser):
    """The text of the tooltip over each chart."""
    found = {}
    for name, selector in {"loss": "#loss .plot svg", "accuracy": "#accuracy .plot svg", "comparison": "#comparison-chart .bar",
                           "phases": "#phase-chart .bar", "roofline": "#roofline-chart [data-point]", "flame": "#flame-chart .event"}.items():
        if browser.evaluate(f"document.querySelector({json.dumps(selector)}) === null"):
            continue
        browser.point(selector)
        found[name] = browser.evaluate("document.getElementById('tip').hidden ? [] : " +
                                       NUMBERS.replace("document.", "document.getElementById('tip').") +
                                       ".concat([...document.querySelectorAll('#tip [data-trace]')].map(e => ({trace: +e.dataset.trace, text: e.textContent})))")
        if name == "loss":
            cursor = browser.evaluate("document.querySelector('#loss .cursor').getAttribute('d')")
            found["cursor"] = float(cursor[1:].split(",")[0])
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    return found


def zooming(browser):
    if browser.evaluate("document.querySelector('svg.graph') === null"):
        return None
    view = lambda: browser.evaluate("document.querySelector('svg.graph').getAttribute('viewBox').split(' ').map(Number)")
    found = [view()]
    browser.point(".zoom button", click=True)
    found.append(view())
    browser.evaluate("document.querySelector('svg.graph').focus()")
    browser.press("ArrowRight", 39)
    found.append(view())
    browser.press("0", 48)
    found.append(view())
    return found


def flame(browser):
    if browser.evaluate("document.querySelector('#flame-chart .event') === null"):
        return None
    count = lambda: browser.evaluate("document.querySelectorAll('#flame-chart .event').length")
    found = [count()]
    browser.point("#flame-chart .event", click=True)
    browser.settle()
    found.append(count())
    browser.press("Escape", 27)
    browser.settle()
    found.append(count())
    return found


def copying(browser):
    if browser.evaluate("document.querySelector('.copy') === null"):
        return None
    browser.point(".copy", click=True)
    browser.settle()
    return [browser.evaluate("document.querySelector('.copy').textContent"), browser.evaluate("navigator.clipboard.readText()")]


def look(browser, page, pictures):
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.session = browser.call("Target.attachToTarget", flatten=True, targetId=browser.call(
        "Target.createTarget", url="about:blank")["targetId"])["sessionId"]
    for domain in ("Page", "Runtime", "Network", "Log"):
        browser.call(f"{domain}.enable")
    browser.scheme("light")
    browser.size(WIDTH, HEIGHT)
    browser.call("Page.navigate", url=page.as_uri())
    browser.wait("Page.loadEventFired")
    browser.settle()
    found = {"structure": browser.evaluate(STRUCTURE), "numbers": browser.evaluate(NUMBERS), "untraced": browser.evaluate(UNTRACED),
             "light": browser.evaluate(COLORS), "desktop": browser.evaluate(OVERFLOW)}
    found["positions"] = {chart: browser.evaluate(f"{POSITIONS}('#{chart}')") for chart in ("loss", "accuracy", "comparison-chart", "roofline-chart")}
    found["graph"] = browser.evaluate(GRAPH)
    found["contrast"] = {"light": browser.evaluate(CONTRAST)}
    found["crowded"] = browser.evaluate(CROWDED)
    found["sums"] = browser.evaluate("(document.getElementById('self')?.innerText ?? '').includes('add up')")
    found["single"] = browser.evaluate("document.querySelector('#accuracy.number strong')?.textContent ?? null")
    browser.picture(pictures, "light")
    found["copied"] = copying(browser)
    found["sorting"] = sorting(browser)
    found["tips"] = tips(browser)
    found["zooming"] = zooming(browser)
    found["flame"] = flame(browser)
    browser.scheme("dark")
    found["dark"] = browser.evaluate(COLORS)
    found["contrast"]["dark"] = browser.evaluate(CONTRAST)
    browser.picture(pictures, "dark")
    browser.point("#theme", click=True)
    found["toggled"] = browser.evaluate(COLORS)
    browser.evaluate("delete document.documentElement.dataset.theme")
    browser.scheme("light")
    browser.size(PHONE, 844, phone=True)
    found["phone"] = browser.evaluate(OVERFLOW)
    found["graph on a phone"] = browser.evaluate(GRAPH)
    found["crowded"] += browser.evaluate(CROWDED)
    browser.picture(pictures, "phone")
    browser.size(WIDTH, HEIGHT)
    pdf = base64.b64decode(browser.call("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"])
    found["pdf"] = {"is_pdf": pdf.startswith(b"%PDF"), "pages": pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/")}
    if pictures:
        (pictures / "print.pdf").write_bytes(pdf)
    found["errors"] = [event["params"] for event in browser.events if event.get("method") == "Runtime.exceptionThrown"
                       or event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] in ("error", "warning")
                       or event.get("method") == "Runtime.consoleAPICalled" and event["params"]["type"] in ("error", "warning", "assert")]
    urls = [event["params"]["request"]["url"] for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    found["requests"] = [url for url in urls if url != page.as_uri() and not url.startswith("data:")]
    found["documents"] = urls.count(page.as_uri())
    return found


def main():
    program = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
    if program is None:
        skip("there is no Chromium")
    pictures = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    browser = Browser(program, sys.argv[1])
    try:
        print(json.dumps(look(browser, Path(sys.argv[2]).resolve(), pictures)))
    finally:
        browser.process.kill()
        browser.process.wait()


main()
