// The live page at /: it asks /varz once a second and shows totals and rates, and, where there are
// peers, /linkz for their links.
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
   <a href="linkz">links</a> · <span id="state">…</span></p>
<table id="links" hidden><thead><tr><th>peer<th>state<th>waiting<th>sent<th>received<th>last error
<tbody id="peers"></table>
<table><thead><tr><th>name<th>per second<th>total<tbody id="rows"></table>
<script>
let before = null;
function rowOf(texts) {
  const row = document.createElement("tr");
  for (const text of texts) {
    row.appendChild(document.createElement("td")).textContent = text;
  }
  return row;
}
async function lookAtLinks() {
  const links = (await (await fetch("linkz")).json()).links || [];
  document.getElementById("links").hidden = links.length === 0;
  document.getElementById("peers").replaceChildren(...links.map(link => rowOf([
    link.name,
    link.state + ("tls" in link ? (link.tls ? ", tls" : ", plain") : ""),
    link.spool_messages.toLocaleString(), link.sent.toLocaleString(),
    link.received.toLocaleString(),
    link.last_error ? link.last_error_step + ": " + link.last_error : ""])));
}
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
      return rowOf([name.replaceAll("_", " "), rate, value.toLocaleString()]);
    });
    document.getElementById("rows").replaceChildren(...rows);
    const server = answer.server;
    document.title = server.name;
    document.querySelector("h1").textContent = server.name;
    document.getElementById("state").textContent =
        "solecd " + server.version + ", " + server.shards + " shards, live";
    before = now;
    await lookAtLinks();
  } catch (error) {
    document.getElementById("state").textContent = "the server does not answer";
    before = null;
  }
}
look(); setInterval(look, 1000);
</script>
)html";

}  // namespace solec
