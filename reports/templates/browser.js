"use strict";
// The table of scenarios: every line is in the page already; this finds, orders and pages them.
(() => {
  const browser = document.getElementById("browser");
  if (!browser) return;
  const find = (id) => document.getElementById(id);
  const [search, suite, status, order, found, more] = ["find", "of-suite", "of-status", "order", "found", "more"].map(find);
  const body = browser.querySelector("tbody");
  const rows = [...body.rows].map((row, place) => ({
    row, place, text: row.textContent.toLowerCase(), ...row.dataset,
    score: row.dataset.score === "" ? NaN : Number(row.dataset.score),
    gain: row.dataset.gain === "" ? NaN : Number(row.dataset.gain),
  }));
  const PAGE = 25;
  let shown = PAGE;

  // Those without a number stand last, whatever the order.
  const by = (value) => (a, b) => (Number.isNaN(value(a)) - Number.isNaN(value(b))) || value(a) - value(b) || a.place - b.place;
  const orders = {
    worst: (a, b) => a.place - b.place,
    best: by((one) => -one.score),
    gain: by((one) => -one.gain),
    loss: by((one) => one.gain),
    name: (a, b) => a.suite.localeCompare(b.suite) || a.text.localeCompare(b.text),
  };

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter((one) => (!suite.value || one.suite === suite.value) && (!status.value || one.status === status.value)
      && words.every((word) => one.text.includes(word))).sort(orders[order.value]);
    const visible = kept.slice(0, shown);
    body.replaceChildren(...visible.map((one) => one.row));
    found.textContent = kept.length + (kept.length === 1 ? " scenario" : " scenarios") + (kept.length > shown ? ", " + shown + " shown." : ".");
    more.hidden = kept.length <= shown;
  }

  const anew = () => { shown = PAGE; show(); };
  search.addEventListener("input", anew);
  for (const choice of [suite, status, order]) choice.addEventListener("change", anew);
  more.addEventListener("click", () => { shown += 4 * PAGE; show(); });
  // A browser that kept the choices over a reload begins with them.
  show();
})();
