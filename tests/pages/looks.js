/* What is wrong with the page that is open, read from computed styles and boxes. Loaded by tests/pages/looks.py. */
window.looks = (() => {
  "use strict";
  const HIDDEN = ".vh, .skip, [hidden], dialog:not([open]), details:not([open]) > :not(summary)";
  const name = (el) => {
    const classes = [...el.classList].map((one) => "." + one).join("");
    const words = (el.innerText || el.value || el.getAttribute("aria-label") || "").trim().slice(0, 24);
    return el.tagName.toLowerCase() + (el.id ? "#" + el.id : "") + classes + " “" + words + "”";
  };
  const isSeen = (el) => el.getClientRects().length && getComputedStyle(el).visibility !== "hidden" && !el.closest(HIDDEN);
  const hasText = (el) => [...el.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const parts = () => [...document.querySelectorAll("body *")].filter((el) => !el.closest("svg") && isSeen(el));

  const show = (display) => {
    const root = document.documentElement;
    for (const key of ["mode", "scale", "contrast"]) delete root.dataset[key];
    Object.assign(root.dataset, display);
    /* at its end, where nothing lies under the help button any more */
    for (const box of [document.scrollingElement, document.querySelector("main"), ...document.querySelectorAll(".pane")]) if (box) box.scrollTop = box.scrollHeight;
  };

  /* the document, its main part or a dialog moves sideways; or a text is cut without a sign that there is more */
  const past = (box, limit) => {
    const found = [...box.querySelectorAll("*")].find(
      (el) => isSeen(el) && el.getBoundingClientRect().right > limit + 1 && !el.closest(".qs, .pane, .tabs"));
    return found ? name(found) : "?";
  };
  const spills = () => {
    const found = [], page = document.scrollingElement;
    if (page.scrollWidth > innerWidth) found.push(`${page.scrollWidth - innerWidth} px too wide: ${past(document.body, innerWidth)}`);
    for (const box of document.querySelectorAll("main, dialog[open]")) {
      const excess = box.scrollWidth - box.clientWidth;
      if (excess > 1) found.push(`main ${excess} px too wide: ${past(box, box.getBoundingClientRect().right)}`);
    }
    for (const el of parts()) {
      if (!hasText(el) || el.matches("option, select, textarea")) continue;
      const style = getComputedStyle(el), isCut = style.textOverflow !== "ellipsis" && style.clipPath === "none" && style.webkitLineClamp === "none";
      if (isCut && /hidden|clip/.test(style.overflowX) && el.scrollWidth > el.clientWidth + 1) found.push("cut " + name(el));
      if (isCut && /hidden|clip/.test(style.overflowY) && el.scrollHeight > el.clientHeight + 3) found.push("cut below " + name(el));
    }
    return found;
  };

  /* letters, lines and targets; links inside a sentence are read, not aimed at */
  const inSentence = (el, style) => el.matches(".clause, .own") || el.matches("a") && style.display.startsWith("inline") && el.closest("p, li, td, dd, dt, .note, .hint, .say");
  const boxOf = (el) => (el.matches("[type=radio], [type=checkbox]") && el.closest("label") || el).getBoundingClientRect();
  const tooSmall = ([targets, letters, main]) => {
    const found = [];
    for (const el of parts()) {
      const style = getComputedStyle(el);
      if (hasText(el)) {
        const size = parseFloat(style.fontSize), line = parseFloat(style.lineHeight);
        if (size < letters) found.push(`${size} px letters: ${name(el)}`);
        if (line && line / size < 1.295) found.push(`${(line / size).toFixed(2)} lines: ${name(el)}`);
      }
      if (!el.matches("a[href], button, input:not([type=hidden]), select, textarea, summary") || inSentence(el, style)) continue;
      const box = boxOf(el), wanted = el.matches(".btn, .slot, .mode, .app-bar a") ? main : targets;
      if (box.height < wanted - 0.5 || box.width < targets - 0.5) found.push(`${Math.round(box.width)}×${Math.round(box.height)} target: ${name(el)}`);
    }
    return [...new Set(found)];
  };
  return { show, spills, tooSmall };
})();
