"use strict";
(() => {
  const PAGE_ROWS = 100;
  const byId = (id) => document.getElementById(id);
  const form = byId("filter");
  if (!form) return;
  const samples = [...document.querySelectorAll("#samples section.rule")];
  const samplesText = new Map();
  for (const sample of document.querySelectorAll("#samples article")) samplesText.set(sample, sample.textContent.toLowerCase());
  let found = [];  // all matches that the page holds
  let shown = [];  // those that the filter leaves
  let page = 0;

  // As logscan_api.text.printable: nothing may disguise what a line says.
  const printable = (text) => text.replace(/[\t\r\n\p{Zs}]/gu, " ").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  const number = (value) => value.toLocaleString("en-US");
  const element = (name, text, style) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (style) made.className = style;
    return made;
  };

  const unpacked = async (packed) => {
    const bytes = Uint8Array.from(atob(packed.trim()), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const text = await new Response(stream).text();
    return text.split("\n").filter(Boolean).map((line) => {
      const { rule, severity, line: place, text: said, key } = JSON.parse(line);
      const match = { rule, severity, place, text: printable(said), key: key === undefined ? "" : printable(key) };
      match.sought = `${match.text}\n${match.key}`.toLowerCase();
      return match;
    });
  };

  // The text with what is sought in it marked.
  const marked = (text, sought) => {
    const cell = element("td");
    const low = text.toLowerCase();
    if (!sought || low.length !== text.length) {
      cell.textContent = text;
      return cell;
    }
    let start = 0;
    for (let at = low.indexOf(sought); at >= 0; at = low.indexOf(sought, start)) {
      cell.append(text.slice(start, at), element("mark", text.slice(at, at + sought.length)));
      start = at + sought.length;
    }
    cell.append(text.slice(start));
    return cell;
  };

  const row = (match, sought) => {
    const made = element("tr");
    const rule = element("td", `${match.rule} `);
    rule.append(element("span", match.severity, `badge ${match.severity}`));
    const text = marked(match.text, sought);
    if (match.key) text.prepend(element("span", match.key, "key"));
    made.append(element("td", number(match.place), "lines"), rule, text);
    return made;
  };

  const wanted = () => {
    const data = new FormData(form);
    return { sought: data.get("text").trim().toLowerCase(), rule: data.get("rule"), severity: data.get("severity") };
  };

  const list = () => {
    if (!byId("rows")) return;
    const { sought } = wanted();
    const first = page * PAGE_ROWS;
    const some = shown.slice(first, first + PAGE_ROWS);
    byId("rows").replaceChildren(...some.map((match) => row(match, sought)));
    byId("page").textContent = some.length
      ? `${number(first + 1)} to ${number(first + some.length)} of ${number(shown.length)}`
      : "No match in this list.";
    byId("previous").disabled = page === 0;
    byId("next").disabled = first + PAGE_ROWS >= shown.length;
  };

  const filter = () => {
    const { sought, rule, severity } = wanted();
    const fits = (other) => (!rule || other.rule === rule) && (!severity || other.severity === severity);
    let left = 0;
    for (const section of samples) {
      const fitting = fits(section.dataset);
      let any = false;
      for (const sample of section.querySelectorAll("article")) {
        sample.hidden = !fitting || !samplesText.get(sample).includes(sought);
        any ||= !sample.hidden;
        left += !sample.hidden;
      }
      section.hidden = !any;
    }
    byId("no-sample").hidden = left > 0;
    shown = found.filter((match) => fits(match) && match.sought.includes(sought));
    page = 0;
    list();
    const listed = found.length ? `, ${number(shown.length)} of ${number(found.length)} listed matches` : "";
    byId("filtered").textContent = `${number(left)} of ${number(samplesText.size)} samples${listed}`;
  };

  const turn = (pages) => {
    page += pages;
    list();
    byId("findings").scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  // A link to a rule that the filter hides shows it again.
  addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.hidden) {
      form.reset();
      setTimeout(() => target.scrollIntoView());
    }
  });
  filter();
  const packed = byId("packed");
  if (!packed || typeof DecompressionStream === "undefined") return;
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  unpacked(packed.textContent).then((matches) => {
    found = matches;
    byId("no-list").hidden = true;
    byId("list").hidden = false;
    filter();
  });
})();
