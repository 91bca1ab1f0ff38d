{% load static %}/* Two stores. The shell: files of the product and the page for no network, nobody's. The phone: the pages a resident has
   opened and may read again, and readings typed without a network; only what the server marks (config/phone.py), only while
   the session lasts, and gone with the first page that is not this person's. */
"use strict";
const SHELL_STORE = "kangqiao-shell-1", PHONE = "kangqiao-phone-1";
const OFFLINE = "{% url 'offline' %}", RECORD = "{% url 'records-mine' %}", SIGN_OUT = "{% url 'sign-out' %}";
const SHELL = [OFFLINE, "{% static 'vendor/tabler.min.css' %}", "{% static 'kangqiao/tokens.css' %}", "{% static 'kangqiao/components.css' %}", "{% static 'kangqiao/phone.js' %}", "{% static 'vendor/icons.svg' %}", "{% static 'kangqiao/bridge.svg' %}"];
/* addresses within the phone's store that no page has */
const ABOUT = "/kept/about", UNSENT = "/kept/unsent/", OUT = UNSENT + "out";
const PERSON = "X-Kangqiao-Person", KEEP = "X-Kangqiao-Keep", KEPT_AT = "X-Kangqiao-Kept-At";

self.addEventListener("install", (event) => {
  /* asked for as nobody, so that the kept page is nobody's */
  const asked = SHELL.map((path) => new Request(path, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(SHELL_STORE).then((kept) => kept.addAll(asked)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== SHELL_STORE && name !== PHONE).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

/* whose pages these are, until when they may be read, and when what waits is given up at the latest */
const about = async (store) => { const told = await store.match(ABOUT); return told ? told.json() : null; };
const pathOf = (one) => new URL(one.url).pathname;
const unsent = async (store) => (await store.keys()).filter((one) => pathOf(one).startsWith(UNSENT)).sort((a, b) => (pathOf(a) === OUT) - (pathOf(b) === OUT));
const dropPages = async (store) => { for (const one of await store.keys()) if (!pathOf(one).startsWith("/kept/")) await store.delete(one); };
const hold = (store, key, to, words, more) => store.put(key, new Response(words, { headers: { "X-To": to, ...more } }));

/* what waits goes to the server under the one-time key of its form, so that it counts once however often it is sent;
   what was refused waits for its writer, and goes to the drafts on the server when the session is over */
const send = async (store, isOver) => {
  const who = await about(store);
  for (const one of who ? await unsent(store) : []) {
    const kept = await store.match(one), words = await kept.text(), to = kept.headers.get("X-To");
    if (Date.now() > who.longest) { await store.delete(one); continue; }
    if (kept.headers.has("X-Refused") && !isOver) continue;
    const answer = await fetch(to, { method: "POST", body: new URLSearchParams(words), redirect: "manual", referrer: to, headers: { [PERSON]: who.mark } });
    if (answer.type === "opaqueredirect") await store.delete(one);
    else if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) await hold(store, one, to, words, { "X-Refused": "1" });
  }
};

const heed = async (asked, answer) => {
  if (answer.type !== "basic" || answer.status >= 500) return;
  const [mark, idle, longest] = (answer.headers.get(PERSON) || "").split(" ");
  let store = await caches.open(PHONE);
  const who = await about(store);
  if (!mark && who) await send(store, true).catch(() => {});
  if (!mark || (who && who.mark !== mark)) await caches.delete(PHONE);
  if (!mark) return;
  store = await caches.open(PHONE);
  await store.put(ABOUT, new Response(JSON.stringify({ mark, until: Date.now() + idle * 1000, longest: Date.now() + longest * 1000 })));
  if (!answer.headers.has(KEEP)) return;
  const copy = answer.clone(), headers = new Headers(answer.headers);
  headers.set(KEPT_AT, String(Date.now()));
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  await store.put(asked.url, new Response(await copy.text(), { headers }));
};

const kept = async (asked) => {
  const store = await caches.open(PHONE), who = await about(store);
  if (!who || Date.now() > who.until) await dropPages(store);
  if (who && Date.now() > who.longest) await caches.delete(PHONE);
  const page = asked.method === "GET" && await store.match(asked.url, { ignoreVary: true });
  if (!page) return caches.match(OFFLINE);
  const html = await page.text();
  return new Response(html.replace("<body", `<body data-kept-at="${page.headers.get(KEPT_AT)}"`), { headers: page.headers });
};

const opened = async (asked) => {
  const store = await caches.open(PHONE);
  await send(store, false).catch(() => {});
  let answer;
  try { answer = await fetch(asked); } catch { return kept(asked); }
  await heed(asked, answer);
  return answer;
};

/* a reading, or signing out: held here when the server cannot be reached */
const posted = async (asked, path) => {
  const words = await asked.clone().text(), store = await caches.open(PHONE);
  const key = path === SIGN_OUT ? OUT : UNSENT + encodeURIComponent(new URLSearchParams(words).get("idempotency_key"));
  let answer;
  if (path === SIGN_OUT) await send(store, false).catch(() => {});
  try { answer = await fetch(asked); } catch (error) {
    if (path === SIGN_OUT) await dropPages(store);
    /* it is not known whose this is: the browser says that nothing was sent */
    if (!await about(store)) throw error;
    await hold(store, key, path + new URL(asked.url).search, words);
    return Response.redirect(path === SIGN_OUT ? OFFLINE : asked.url, 303);
  }
  await store.delete(key);
  await heed(asked, answer);
  return answer;
};

self.addEventListener("fetch", (event) => {
  const asked = event.request, address = new URL(asked.url), path = address.pathname;
  if (address.origin !== self.location.origin) return;
  const isFile = path.startsWith("{% static '' %}");
  if (asked.mode === "navigate" && asked.method === "POST") {
    if (path === RECORD || path === SIGN_OUT) event.respondWith(posted(asked, path));
  } else if (asked.method !== "GET") return;
  else if (asked.mode === "navigate" && !isFile) event.respondWith(opened(asked));
  else if (isFile) {
    event.respondWith(fetch(asked).then((answer) => {
      if (answer.ok && answer.type === "basic") { const copy = answer.clone(); caches.open(SHELL_STORE).then((store) => store.put(asked, copy)); }
      return answer;
    }).catch(() => caches.match(asked)));
  }
});
