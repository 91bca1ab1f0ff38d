/* Keyboard. A page says in data attributes what a key does; this file holds no key of its own.
     data-key="alt+n"        on a link or button: the key presses it. Also "g", "1", "?", "escape", "ctrl+k". On the label
                             of a choice, pressed out of a field: it is chosen and the field keeps the focus.
     data-list               on a container: J/K and arrow keys move among its [data-item] rows, Enter opens one.
     data-item               a row; opens its [data-open] link or button (else its first link).
     data-row-key="1"        on a step inside a row: the key presses it while that row is the chosen one.
     data-next="#id"         on an input: Enter goes to that field. data-digits="3": so does the third digit.
     data-grid               on a table: arrow keys move among its focusable cells [data-cell]; the first one enters it.
     a search field          arrow down goes to the first row found.
   Single letters can be switched off by the reader: <body data-single-keys="off"> (WCAG 2.1.4). */
(() => {
  "use strict";
  const typing = (el) => el && (el.isContentEditable || /^(input|select|textarea)$/i.test(el.tagName));
  const shown = (el) => el.getClientRects().length > 0 && !el.disabled && el.getAttribute("aria-disabled") !== "true";
  const spell = (event) => (event.ctrlKey || event.metaKey ? "ctrl+" : "") + (event.altKey ? "alt+" : "") + (event.code && event.altKey && /^(Key[A-Z]|Digit\d)$/.test(event.code) ? event.code.slice(-1) : event.key).toLowerCase();

  const itemsOf = (list) => [...list.querySelectorAll("[data-item]")].filter(shown);
  /* only rows may carry aria-selected; other items carry data-chosen */
  const CHOSEN = '[aria-selected="true"], [data-chosen]';
  const mark = (item, on) => (item.matches("tr") ? item.setAttribute("aria-selected", String(on)) : item.toggleAttribute("data-chosen", on));
  const choose = (list, item) => {
    for (const other of itemsOf(list).filter((one) => one.matches(CHOSEN))) mark(other, false);
    mark(item, true);
    if (!item.hasAttribute("tabindex")) item.tabIndex = -1;
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  };
  const move = (list, by) => {
    const items = itemsOf(list);
    if (!items.length) return;
    const at = items.findIndex((item) => item === document.activeElement || item.contains(document.activeElement) || item.matches(CHOSEN));
    choose(list, items[Math.max(0, Math.min(items.length - 1, at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by))]);
  };
  const chosenIn = (list) => itemsOf(list).find((item) => item.contains(document.activeElement)) || itemsOf(list).find((item) => item.matches(CHOSEN));
  const open = (item) => {
    const target = item.querySelector("[data-open]") || item.querySelector("a[href],button");
    if (target) target.click();
  };
  const listFor = (el) => (el && el.closest("[data-list]")) || document.querySelector("[data-list]");

  const moveInGrid = (cell, key) => {
    const grid = cell.closest("[data-grid]");
    const from = cell.getBoundingClientRect();
    const middle = (r) => [r.left + r.width / 2, r.top + r.height / 2];
    const [x, y] = middle(from);
    let best = null, least = Infinity;
    for (const other of grid.querySelectorAll("[data-cell]")) {
      if (other === cell || !shown(other)) continue;
      const [ox, oy] = middle(other.getBoundingClientRect());
      const along = { arrowright: ox - x, arrowleft: x - ox, arrowdown: oy - y, arrowup: y - oy }[key];
      const aside = key === "arrowright" || key === "arrowleft" ? Math.abs(oy - y) : Math.abs(ox - x);
      if (along < 2) continue;
      const cost = along + aside * 4;
      if (cost < least) { least = cost; best = other; }
    }
    if (best) { best.focus(); best.scrollIntoView({ block: "nearest", inline: "nearest" }); }
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const key = spell(event), inField = typing(event.target), bare = !/^(ctrl|alt)\+/.test(key);
    if (inField && key === "enter" && event.target.dataset.next) {
      const next = document.querySelector(event.target.dataset.next);
      if (next) { event.preventDefault(); next.focus(); if (next.select) next.select(); return; }
    }
    if (inField && key === "arrowdown" && event.target.type === "search") {
      const found = listFor(event.target);
      if (found && itemsOf(found).length) { event.preventDefault(); choose(found, itemsOf(found)[0]); return; }
    }
    if (inField && bare && key !== "escape") return;
    if (document.querySelector("dialog[open]") && key !== "escape") return;
    const near = event.target === document.body && /^arrow/.test(key) ? document.querySelector("[data-grid] [data-cell]") : null;
    if (near) { event.preventDefault(); near.focus(); return; }
    const cell = event.target.closest ? event.target.closest("[data-cell]") : null;
    if (cell && /^arrow/.test(key)) { event.preventDefault(); moveInGrid(cell, key); return; }
    if (bare && key.length === 1 && document.body.dataset.singleKeys === "off") return;
    const mine = listFor(event.target), row = mine && chosenIn(mine);
    for (const el of row ? row.querySelectorAll("[data-row-key]") : []) {
      if (el.dataset.rowKey === key && shown(el) && !document.querySelector(".drawer")) { event.preventDefault(); el.click(); return; }
    }
    for (const el of document.querySelectorAll("[data-key]")) {
      if (el.dataset.key.split(" ").includes(key) && shown(el)) {
        event.preventDefault();
        if (typing(el)) { el.focus(); el.select(); } else { el.click(); if (inField && el.matches("label")) event.target.focus(); }
        return;
      }
    }
    const list = listFor(event.target);
    if (!list) return;
    if (key === "j" || key === "k" || ((key === "arrowdown" || key === "arrowup") && list.contains(event.target))) {
      event.preventDefault();
      move(list, key === "j" || key === "arrowdown" ? 1 : -1);
    } else if (key === "enter" && (event.target.matches("[data-item]") || (event.target === document.body && row))) {
      event.preventDefault();
      open(event.target === document.body ? row : event.target);
    }
  });

  document.addEventListener("input", (event) => {
    const field = event.target, digits = Number(field.dataset && field.dataset.digits);
    if (!digits || !field.dataset.next || field.value.replace(/\D/g, "").length < digits) return;
    const next = document.querySelector(field.dataset.next);
    if (next) { next.focus(); if (next.select) next.select(); }
  });

  document.addEventListener("click", (event) => {
    const item = event.target.closest("[data-item]");
    if (!item || event.target.closest("a,button,input,select,textarea,label,summary")) return;
    const list = item.closest("[data-list]");
    if (list && !String(window.getSelection())) { choose(list, item); open(item); }
  });

  // A telephone has no keys to go on with: its page begins at the top.
  if (matchMedia("(min-width: 861px)").matches) for (const item of document.querySelectorAll("[data-list] [data-item]")) if (item.matches(CHOSEN)) item.scrollIntoView({ block: "nearest" });
})();
