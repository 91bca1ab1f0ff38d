/* The portal without a network. The worker (sw.js) serves a page it kept with <body data-kept-at>: here it says from when it
   is, and nothing on it can be sent but form[data-phone] and signing out. What waits on the phone is told on every page. */
(() => {
  "use strict";
  const body = document.body, said = body.dataset, main = document.getElementById("main");
  const STORE = "kangqiao-phone-1", UNSENT = "/kept/unsent/";
  const two = (number) => String(number).padStart(2, "0");
  const day = (at) => at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate());
  const hour = (at) => two(at.getHours()) + ":" + two(at.getMinutes());
  const say = (words, look) => {
    const box = document.createElement("div"), text = document.createElement("div");
    box.className = "hint " + look; box.setAttribute("role", "status");
    text.textContent = words;
    box.append(text);
    main.prepend(box);
    return box;
  };
  const hidden = (form, name, value) => {
    const field = document.createElement("input");
    field.type = "hidden"; field.name = name; field.value = value;
    form.append(field);
  };

  if (said.keptAt) {
    const now = new Date();
    say(said.sayKept.replace("{when}", day(new Date(Number(said.keptAt))) + " " + hour(new Date(Number(said.keptAt)))), "");
    for (const one of document.querySelectorAll("[hx-get], [hx-post]")) for (const name of ["hx-get", "hx-post", "hx-trigger"]) one.removeAttribute(name);
    for (const form of document.forms) {
      if (form.matches("[data-phone]")) {
        form.removeAttribute("data-keep");
        form.elements.idempotency_key.value = "phone-" + crypto.randomUUID();
        if (form.elements.taken_at) form.elements.taken_at.value = day(now) + "T" + hour(now);
        const note = document.createElement("p");
        note.className = "note"; note.textContent = said.sayKeep;
        form.append(note);
      } else if (!form.querySelector("[data-signs-out]")) for (const one of form.elements) one.disabled = true;
    }
    let typed = false;
    document.addEventListener("input", () => { typed = true; });
    /* a telephone says "online" before a server can be reached: the page loads anew once one answers */
    window.addEventListener("online", () => fetch(said.worker, { method: "HEAD", cache: "no-store" }).then(() => { if (!typed) window.location.reload(); }).catch(() => {}));
  }

  /* a reading the server did not take goes back into its form, every word of it, when its writer asks */
  const giveBack = (to, words) => {
    const box = say(said.sayRefused, "hint-hard"), form = document.createElement("form"), button = document.createElement("button");
    form.method = "post"; form.action = to;
    for (const [name, value] of new URLSearchParams(words)) if (name !== "csrfmiddlewaretoken") hidden(form, name, value);
    hidden(form, "csrfmiddlewaretoken", JSON.parse(body.getAttribute("hx-headers"))["X-CSRFToken"]);
    button.className = "btn"; button.textContent = said.sayLook;
    form.append(button);
    box.append(form);
  };
  const tell = async () => {
    if (!("caches" in window) || !(await caches.has(STORE))) return;
    const store = await caches.open(STORE);
    let waiting = 0;
    for (const one of await store.keys()) {
      const path = new URL(one.url).pathname;
      if (!path.startsWith(UNSENT) || path === UNSENT + "out") continue;
      const kept = await store.match(one);
      if (kept.headers.has("X-Refused")) giveBack(kept.headers.get("X-To"), await kept.text());
      else waiting += 1;
    }
    if (waiting) say(said.sayWaiting.replace("{n}", waiting), "hint-go");
  };
  tell().catch(() => {});
})();
