/* What pages do in the browser beyond links and forms. Everything still works as a plain page without this file.
     data-undo / data-stay   toasts: gone after their 8 seconds, kept while the pointer or focus is on them.
     data-until="ISO time"   a countdown; writes into its [data-left]; adds .cd-over and reloads data-then when it ends.
     data-close="#id"        empties or shuts that element (drawer, dialog, toast) and gives focus back.
     data-dialog="#id"       opens that <dialog>; with data-address, data-step, data-back its form[data-goes] leads there.
     data-read="#id"         reads that element aloud; hidden where the browser cannot.
     data-print              prints.
     data-once               a form that may be sent once: its buttons rest after the first press.
     data-keep               a form whose words are kept on the server every three seconds (address in <html data-drafts>).
     #drafts                 what was typed and not sent (JSON): put back into the forms of its addresses.
     data-say-offline        on <body>: the sentence shown when the server does not answer.
     data-say-over           on <body>: the sentence shown when the session ended under a form somebody is filling in. */
(() => {
  "use strict";
  const root = document.documentElement, body = document.body;
  const life = 8000;

  /* toasts */
  const watch = (toast) => {
    if (toast.dataset.watched) return;
    toast.dataset.watched = "1";
    if (toast.classList.contains("toast-stay")) return;
    let left = life, last = Date.now();
    const tick = window.setInterval(() => {
      const now = Date.now();
      if (!toast.matches(":hover, :focus-within")) left -= now - last;
      last = now;
      for (const out of toast.querySelectorAll("[data-seconds]")) out.textContent = Math.max(0, Math.ceil(left / 1000));
      if (left <= 0 || !toast.isConnected) { window.clearInterval(tick); toast.remove(); }
    }, 250);
  };
  const toast = (text, bad) => {
    const box = document.getElementById("toasts");
    if (!box) return;
    const el = document.createElement("div");
    el.className = "toast-u" + (bad ? " toast-bad toast-stay" : "");
    el.setAttribute("role", bad ? "alert" : "status");
    const words = document.createElement("span");
    words.textContent = text;
    el.append(words);
    if (bad) {
      const shut = document.createElement("button");
      shut.type = "button"; shut.className = "x"; shut.textContent = "×"; shut.setAttribute("aria-label", body.dataset.sayClose || "×");
      shut.addEventListener("click", () => el.remove());
      el.append(shut);
    }
    box.append(el);
    watch(el);
  };

  /* countdowns: the server says until when, and what time it is, so a wrong clock in the browser does no harm */
  const skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
  const tellTime = () => {
    for (const el of document.querySelectorAll("[data-until]")) {
      const left = Math.floor((Date.parse(el.dataset.until) - Date.now() - skew) / 1000);
      const out = el.querySelector("[data-left]") || el;
      if (left >= 0) {
        const minutes = Math.floor(left / 60), seconds = left % 60;
        out.textContent = el.dataset.form ? el.dataset.form.replace("{m}", minutes).replace("{s}", String(seconds)) : minutes + ":" + String(seconds).padStart(2, "0");
      } else if (!el.classList.contains("cd-over")) {
        el.classList.add("cd-over");
        if (el.dataset.over) out.textContent = el.dataset.over;
        if (el.dataset.then === "reload") window.location.reload();
        else if (el.dataset.then && window.htmx) window.htmx.trigger(el, el.dataset.then);
      }
    }
  };

  /* what was typed and not sent goes back into its form, also into one that HTMX brings in later */
  const held = document.getElementById("drafts");
  const drafts = (held ? JSON.parse(held.textContent) : []).map((one) => ({ ...one, words: new Map() }));
  for (const one of drafts) for (const [name, value] of one.fields) one.words.set(name, [...(one.words.get(name) || []), value]);
  const leadsTo = (form) => {
    const aimed = form.hasAttribute("data-goes") ? "" : form.getAttribute("hx-post");
    const address = new URL(aimed || form.getAttribute("action") || window.location.href, window.location.href);
    return address.pathname + address.search;
  };
  /* several forms may lead to one address; the hidden name of the step tells them apart */
  const stepOf = (form) => { const one = form.querySelector("input[type=hidden][name=step]"); return one ? one.value : ""; };
  const fits = (form, draft) => leadsTo(form) === draft.action && (!draft.step || stepOf(form) === draft.step);
  const putBack = (form, words) => {
    for (const field of form.elements) {
      const values = words.get(field.name);
      if (!values || field.type === "file" || field.type === "hidden" || field.tagName === "BUTTON") continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else if (field.tagName === "SELECT") for (const one of field.options) one.selected = values.includes(one.value);
      else field.value = values[0];
    }
  };
  const refill = (part) => {
    const forms = [...(part.matches && part.matches("form") ? [part] : []), ...part.querySelectorAll("form")];
    for (const draft of drafts) {
      const form = draft.done ? null : forms.find((one) => fits(one, draft));
      if (!form) continue;
      draft.done = true;
      putBack(form, draft.words);
      for (const said of document.querySelectorAll("[data-put-back]")) said.hidden = false;
      const dialog = form.closest("dialog");
      if (dialog && !dialog.open) dialog.showModal();
      /* parts that follow what is chosen load anew, and what was chosen in them is chosen again */
      document.addEventListener("htmx:load", () => {
        for (const field of form.querySelectorAll("select")) field.dispatchEvent(new Event("change", { bubbles: true }));
      }, { once: true });
      document.addEventListener("htmx:afterSettle", () => {
        for (const field of document.querySelectorAll("input[type=radio]")) if ((draft.words.get(field.name) || []).includes(field.value) && (field.form === form || field.getAttribute("form") === form.id)) field.checked = true;
      });
      document.addEventListener("submit", () => draft.words.clear(), { once: true });
    }
  };

  /* every form someone types into is kept on the server while they type, and not lost by a stray click */
  const every = 3000, keeping = new Map();
  const wordsOf = (form) => [...form.elements].filter((one) => one.name && !one.disabled && !["hidden", "password", "file", "submit", "button"].includes(one.type) && one.tagName !== "BUTTON" && (!["checkbox", "radio"].includes(one.type) || one.checked));
  const isKept = (form) => form && form.matches("form[data-keep]") && !form.querySelector("input[type=password]");
  const sayKept = (form, words) => {
    let said = form.querySelector("[data-kept]");
    if (!said) {
      said = document.createElement("span");
      said.className = "xs kept"; said.dataset.kept = ""; said.setAttribute("role", "status");
      (form.querySelector(".steps-row, .df") || form).append(said);
    }
    said.textContent = words;
  };
  const keepWords = (form) => {
    const state = keeping.get(form), body = new URLSearchParams(), mark = form.elements.csrfmiddlewaretoken;
    if (!state || !state.dirty || state.sending || !form.isConnected || !root.dataset.drafts || !mark) return;
    for (const one of wordsOf(form)) for (const value of one.type === "select-multiple" ? [...one.selectedOptions].map((o) => o.value) : [one.value]) body.append(one.name, value);
    const own = { draft_action: leadsTo(form), draft_step: stepOf(form), draft_page: window.location.pathname + window.location.search, csrfmiddlewaretoken: mark.value };
    for (const name of Object.keys(own)) body.append(name, own[name]);
    if (form.elements.idempotency_key) body.append("idempotency_key", form.elements.idempotency_key.value);
    state.dirty = false;
    state.sending = new AbortController();
    window.fetch(root.dataset.drafts, { method: "POST", body, signal: state.sending.signal, redirect: "manual", headers: { "HX-Current-URL": window.location.href, "X-Kangqiao-Aside": "1" } })
      .then((answer) => (answer.ok && answer.status === 200 ? answer.json() : null))
      .then((told) => { if (told) sayKept(form, told.said); else state.dirty = true; })
      .catch(() => { if (keeping.has(form)) state.dirty = true; })
      .finally(() => { state.sending = null; });
  };
  const stopKeeping = (form) => {
    const state = keeping.get(form);
    if (state && state.sending) state.sending.abort();
    keeping.delete(form);
  };
  const typedInto = (form) => { if (isKept(form)) { const state = keeping.get(form) || { sending: null }; state.dirty = true; keeping.set(form, state); } };
  document.addEventListener("input", (event) => typedInto(event.target.form || event.target.closest("form")));
  document.addEventListener("change", (event) => typedInto(event.target.form || event.target.closest("form")));
  document.addEventListener("submit", (event) => stopKeeping(event.target));
  window.setInterval(() => { for (const form of keeping.keys()) if (form.isConnected) keepWords(form); else keeping.delete(form); }, every);
  window.addEventListener("beforeunload", (event) => { if ([...keeping].some(([form, state]) => form.isConnected && (state.dirty || state.sending))) event.preventDefault(); });

  /* dates relative to now keep true while the page stays open: the server wrote the words, reloads renew them */
  const start = (part) => {
    for (const el of part.querySelectorAll(".toast-u")) watch(el);
    if (!("speechSynthesis" in window)) for (const el of part.querySelectorAll("[data-read]")) el.hidden = true;
    const summary = part.querySelector(".problems");
    if (summary) { summary.tabIndex = -1; summary.focus(); }
    else { const first = part.querySelector("[data-focus]"); if (first) { first.focus(); if (first.select) first.select(); } }
    tellTime();
    refill(part);
  };

  /* focus goes back to where a drawer was opened from */
  let opener = null;
  const shut = (selector) => {
    const el = document.querySelector(selector);
    if (!el) return;
    if (el.tagName === "DIALOG") el.close();
    else if (el.classList.contains("toast-u")) el.remove();
    else el.replaceChildren();
    if (opener && opener.isConnected) opener.focus();
  };

  /* one dialog asks why for every row of a list: the button says whither, which step, and in what words */
  const aim = (dialog, button) => {
    const form = dialog.querySelector("form");
    form.setAttribute("action", button.dataset.address);
    for (const name of ["step", "back"]) form.elements[name].value = button.dataset[name] || "";
    for (const said of dialog.querySelectorAll("[data-said]")) said.textContent = button.firstChild.textContent.trim();
  };

  document.addEventListener("click", (event) => {
    const on = (name) => event.target.closest("[" + name + "]");
    let el;
    if ((el = on("data-dialog"))) {
      const dialog = document.querySelector(el.dataset.dialog);
      if (dialog && el.dataset.address) aim(dialog, el);
      if (dialog && dialog.showModal) { event.preventDefault(); opener = el; dialog.showModal(); start(dialog); }
    } else if ((el = on("data-close"))) {
      event.preventDefault();
      shut(el.dataset.close);
    } else if ((el = on("data-shut-toast"))) {
      el.closest(".toast-u").remove();
    } else if ((el = on("data-read"))) {
      const speech = window.speechSynthesis;
      if (speech.speaking) { speech.cancel(); return; }
      const text = new SpeechSynthesisUtterance(document.querySelector(el.dataset.read).innerText);
      text.lang = root.lang || "zh-CN"; text.rate = 0.9;
      speech.speak(text);
    } else if (on("data-print")) {
      window.print();
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); event.preventDefault(); }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-once]") || event.defaultPrevented) return;
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent; });

  /* a call the page makes by itself leads nobody away from a form they type into */
  let filled = null;
  document.addEventListener("input", (event) => { const form = event.target.form; if (form && form.method === "post") filled = form; });

  /* htmx: 422 and 409 carry a page part; other refusals only when the server aimed them; silence is said aloud */
  /* what a page asks by itself says so: it is no sign that somebody is there; nor is a call nobody pressed for, made while
     somebody types, the sending of their form */
  const pressed = ["submit", "click"];
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, headers, triggeringEvent: cause } = event.detail;
    if (elt.matches("form[data-goes]")) event.detail.path = elt.getAttribute("action");
    if (!cause) headers["X-Kangqiao-Poll"] = "1";
    if (!cause || !pressed.includes(cause.type)) headers["X-Kangqiao-Aside"] = "1";
  });
  /* such a call never leads away from words that are not sent, or are being sent: their own sending asks for the sign-in */
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (!requestConfig.headers["X-Kangqiao-Aside"] || !xhr.getResponseHeader("HX-Redirect")) return;
    if (!filled || !filled.isConnected) return;
    event.preventDefault();
    const hint = document.createElement("div"), problem = document.getElementById("problem");
    hint.className = "hint";
    hint.textContent = body.dataset.sayOver;
    if (problem) problem.replaceChildren(hint);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const from = event.detail.elt, problem = document.getElementById("problem");
    if (from.matches("form[data-keep]") && event.detail.requestConfig.verb === "post") stopKeeping(from);
    if (problem && !event.detail.requestConfig.headers["X-Kangqiao-Aside"]) problem.replaceChildren();
    if (from.closest && !from.closest(".drawer, dialog")) opener = from;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target, requestConfig } = event.detail, aimed = xhr.getResponseHeader("HX-Retarget");
    /* Somebody writes in a dialog: a page that comes late does not take it away. Who was faster is told on sending. */
    if (requestConfig.verb === "get" && target.querySelector("dialog[open]")) { event.detail.shouldSwap = false; return; }
    if (xhr.status < 400) return;
    if (xhr.status === 422 || xhr.status === 409 || aimed) { event.detail.shouldSwap = true; event.detail.isError = false; }
    else { event.detail.shouldSwap = false; typedInto(event.detail.elt); toast(body.dataset.sayOffline, true); }
  });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.target.querySelectorAll) start(event.target); });
  document.addEventListener("htmx:oobAfterSwap", () => { for (const el of document.querySelectorAll("#toasts .toast-u")) watch(el); });
  document.addEventListener("htmx:sendError", (event) => { typedInto(event.detail.elt); toast(body.dataset.sayOffline, true); });
  document.addEventListener("htmx:timeout", () => toast(body.dataset.sayOffline, true));

  start(document);
  window.setInterval(tellTime, 1000);
})();
