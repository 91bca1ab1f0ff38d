{% load static %}/* Keeps files of the shell and the page for no network. No page is ever kept: what a patient reads stays on the server. */
"use strict";
const KEPT = "kangqiao-shell-1";
const OFFLINE = "{% url 'offline' %}";
const SHELL = [OFFLINE, "{% static 'vendor/tabler.min.css' %}", "{% static 'kangqiao/tokens.css' %}", "{% static 'kangqiao/components.css' %}", "{% static 'vendor/icons.svg' %}", "{% static 'kangqiao/bridge.svg' %}"];

self.addEventListener("install", (event) => {
  /* asked for as nobody, so that the kept page is nobody's */
  const asked = SHELL.map((path) => new Request(path, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(asked)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const asked = event.request, address = new URL(asked.url);
  if (asked.method !== "GET" || address.origin !== self.location.origin) return;
  if (asked.mode === "navigate") {
    event.respondWith(fetch(asked).catch(() => caches.match(OFFLINE)));
  } else if (address.pathname.startsWith("{% static '' %}")) {
    event.respondWith(fetch(asked).then((answer) => {
      if (answer.ok && answer.type === "basic") { const copy = answer.clone(); caches.open(KEPT).then((kept) => kept.put(asked, copy)); }
      return answer;
    }).catch(() => caches.match(asked)));
  }
});
