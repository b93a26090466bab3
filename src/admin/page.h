// The live page at /: it asks /varz once a second and shows totals and rates.
#pragma once

namespace solec {

inline constexpr const char* kPage = R"html(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>solecd</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 44em; padding: 0 1em }
  table { border-collapse: collapse; width: 100% }
  td, th { padding: .15em .6em; text-align: right; font-variant-numeric: tabular-nums }
  td:first-child, th:first-child { text-align: left }
  tr:nth-child(even) { background: #8882 }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } a { color: #8bf } }
</style>
<h1>solecd</h1>
<p><a href="metrics">metrics</a> · <a href="connz">connections</a> · <a href="varz">counters</a> ·
   <span id="state">…</span></p>
<table><thead><tr><th>name<th>per second<th>total<tbody id="rows"></table>
<script>
let before = null;
async function look() {
  try {
    const answer = await (await fetch("varz")).json();
    const now = { at: performance.now(), stats: answer.stats };
    const rows = Object.keys(now.stats).map(name => {
      const value = now.stats[name];
      const rate = before && !name.endsWith("_now")
        // A server that was started anew counts from 0 again.
        ? Math.max(0, Math.round((value - before.stats[name]) * 1000 / (now.at - before.at)))
            .toLocaleString()
        : "";
      const row = document.createElement("tr");
      for (const text of [name.replaceAll("_", " "), rate, value.toLocaleString()]) {
        row.appendChild(document.createElement("td")).textContent = text;
      }
      return row;
    });
    document.getElementById("rows").replaceChildren(...rows);
    const server = answer.server;
    document.title = server.name;
    document.querySelector("h1").textContent = server.name;
    document.getElementById("state").textContent =
        "solecd " + server.version + ", " + server.shards + " shards, live";
    before = now;
  } catch (error) {
    document.getElementById("state").textContent = "the server does not answer";
    before = null;
  }
}
look(); setInterval(look, 1000);
</script>
)html";

}  // namespace solec
