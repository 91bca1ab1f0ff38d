/* Help. The sheet of keys lists what this page's own data-key attributes say; a tour walks the stops the server tells;
   and the portal's worker is registered where the page names one (<body data-worker>). */
(() => {
  "use strict";
  const body = document.body;
  const PRINTED = { alt: "Alt", ctrl: "Ctrl", escape: "Esc", enter: "Enter" };
  const printed = (key) => key.split("+").map((part) => PRINTED[part] || part.toUpperCase()).join(" ");
  const wordsOf = (el) => {
    const said = el.getAttribute("aria-label");
    if (said) return said;
    const copy = el.cloneNode(true);
    for (const one of copy.querySelectorAll("kbd, svg, .vh")) one.remove();
    return copy.textContent.trim().replace(/\s+/g, " ") || el.title || el.name || "";
  };

  const fill = (box) => {
    const list = box.querySelector("dl"), seen = new Set();
    list.replaceChildren();
    for (const el of document.querySelectorAll("#main [data-key]")) {
      const name = wordsOf(el), keys = el.dataset.key.split(" ");
      if (!name || seen.has(keys[0]) || !el.getClientRects().length) continue;
      seen.add(keys[0]);
      const row = document.createElement("div"), term = document.createElement("dt"), what = document.createElement("dd");
      for (const key of keys) { const kbd = document.createElement("kbd"); kbd.textContent = printed(key); term.append(kbd, " "); }
      what.textContent = name;
      row.append(term, what);
      list.append(row);
    }
    box.hidden = !seen.size;
  };

  /* one stop: a card beside the part it tells of, which is marked and brought into view */
  const tour = (stops, say) => {
    const card = document.createElement("dialog");
    card.className = "tour";
    card.setAttribute("aria-labelledby", "tour-h");
    document.body.append(card);
    let at = 0, marked = null;
    const unmark = () => { if (marked) marked.classList.remove("tour-at"); marked = null; };
    const button = (words, look, act) => {
      const one = document.createElement("button");
      one.type = "button"; one.className = look; one.textContent = words;
      one.addEventListener("click", act);
      return one;
    };
    const show = () => {
      unmark();
      const stop = stops[at], last = at === stops.length - 1;
      marked = stop.at ? document.querySelector(stop.at) : null;
      if (marked) { marked.classList.add("tour-at"); marked.scrollIntoView({ block: "nearest", inline: "nearest" }); }
      const head = document.createElement("h2"), text = document.createElement("p"), foot = document.createElement("div"), count = document.createElement("span");
      head.id = "tour-h"; head.textContent = stop.title; text.textContent = stop.text;
      count.className = "xs"; count.textContent = at + 1 + " / " + stops.length;
      foot.className = "steps-row";
      const next = button(last ? say.sayEnd : say.sayNext, "btn btn-primary", () => { if (last) card.close(); else { at += 1; show(); } });
      foot.append(next);
      if (at) foot.append(button(say.sayBack, "btn", () => { at -= 1; show(); }));
      if (!last) foot.append(button(say.sayEnd, "btn btn-quiet", () => card.close()));
      foot.append(count);
      card.replaceChildren(head, text, foot);
      next.focus();
    };
    card.addEventListener("close", () => { unmark(); card.remove(); });
    card.showModal();
    show();
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog='#help']"), starter = event.target.closest("[data-tour]");
    if (opener) for (const box of document.querySelectorAll("#help [data-page-keys]")) fill(box);
    if (!starter) return;
    fetch(starter.dataset.tour, { headers: { Accept: "application/json" } }).then((answer) => answer.json()).then(({ stops }) => {
      const sheet = starter.closest("dialog");
      if (sheet) sheet.close();
      /* what a page lacks, or a narrow screen hides, is no stop */
      const here = stops.filter((stop) => !stop.at || (document.querySelector(stop.at) && document.querySelector(stop.at).getClientRects().length));
      tour(here, starter.dataset);
    });
  });

  if (body.dataset.worker && "serviceWorker" in navigator) navigator.serviceWorker.register(body.dataset.worker, { scope: "/" }).catch(() => {});
})();
