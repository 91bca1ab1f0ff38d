/* The field that finds anything: <form data-find> with a combobox and the list it controls. The arrows choose, Enter opens
   what is chosen; while the list still answers older words, Enter asks at once and opens nothing, so that nobody is
   opened by haste. Without this file the form asks for its page. */
(() => {
  "use strict";
  const fieldIn = (el) => el && el.closest && el.closest("form[data-find]") && el.matches("[role=combobox]") ? el : null;
  const listOf = (field) => document.getElementById(field.getAttribute("aria-controls"));
  const optionsOf = (field) => [...listOf(field).querySelectorAll("[role=option]")];
  const chosenOf = (field) => document.getElementById(field.getAttribute("aria-activedescendant") || "");

  const choose = (field, option) => {
    for (const one of optionsOf(field)) one.setAttribute("aria-selected", String(one === option));
    if (!option) { field.removeAttribute("aria-activedescendant"); return; }
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const answersTo = (field) => field.dataset.answered === field.value;
  const ask = (field) => { if (window.htmx) window.htmx.trigger(field, "find"); };

  document.addEventListener("keydown", (event) => {
    const field = fieldIn(event.target);
    if (!field || event.isComposing) return;
    const options = optionsOf(field), at = options.indexOf(chosenOf(field));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (options.length) choose(field, options[(at + (event.key === "ArrowDown" ? 1 : options.length - 1) + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % options.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!answersTo(field)) ask(field);
      else if (at >= 0) options[at].click();
    }
  });
  document.addEventListener("focusin", (event) => {
    const field = fieldIn(event.target);
    if (!field) return;
    field.select();
    if (!listOf(field).children.length) ask(field);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const field = fieldIn(event.detail.elt) || fieldIn(event.detail.requestConfig && event.detail.requestConfig.elt);
    if (!field) return;
    field.dataset.answered = new URLSearchParams(event.detail.pathInfo.finalRequestPath.split("?")[1] || "").get("q") || "";
    choose(field, optionsOf(field)[0] || null);
  });
  const fields = [...document.querySelectorAll("form[data-find] [role=combobox]")];
  for (const field of fields) {
    field.dataset.answered = field.defaultValue;
    choose(field, optionsOf(field)[0] || null);
  }
  /* What was typed before anybody listened is asked now. */
  document.addEventListener("DOMContentLoaded", () => { for (const field of fields) if (!answersTo(field)) ask(field); });
})();
