/** Keeps a page live: what changed in the daemon is morphed into it, and the reader sees when nothing comes any more. */
(() => {
  const live = document.getElementById("live");
  const stale = document.getElementById("stale");
  const full = document.getElementById("full");
  const language = document.documentElement.lang;
  const freshMs = 20_000;
  let freshAt = Date.now();
  let source;
  let again;

  const clock = new Intl.DateTimeFormat(language === "id" ? "id-ID" : "en-GB", { timeStyle: "medium" });
  function look() {
    if (!live || document.hidden) return;
    const isStale = full.hidden && Date.now() - freshAt > freshMs;
    if (isStale && stale.hidden) stale.querySelector("time").textContent = clock.format(freshAt);
    stale.hidden = !isStale;
  }

  const relative = new Intl.RelativeTimeFormat(language === "id" ? "id-ID" : "en-GB", { numeric: "auto" });
  const units = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];
  function agoOf(at) {
    const seconds = (Date.parse(at) - Date.now()) / 1000;
    const [unit, size] = units.find(([, one]) => Math.abs(seconds) >= one) ?? units[2];
    return relative.format(Math.trunc(seconds / size), unit);
  }
  function tellTimes() {
    for (const one of document.querySelectorAll("[data-ago]")) one.textContent = agoOf(one.dataset.ago);
  }

  const options = {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    restoreFocus: true,
    callbacks: {
      // What the reader opened stays open.
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
    },
  };
  function show({ data }) {
    const { title, html } = JSON.parse(data);
    document.title = title;
    globalThis.Idiomorph.morph(live, html, options);
    tellTimes();
  }
  function fresh() {
    freshAt = Date.now();
    full.hidden = true;
    look();
  }

  function listen() {
    clearTimeout(again);
    if (!live?.dataset.page || document.hidden || source) return;
    source = new EventSource(`/ui/events?page=${encodeURIComponent(live.dataset.page)}`);
    source.addEventListener("main", (event) => {
      show(event);
      fresh();
    });
    source.addEventListener("beat", fresh);
    // Too many pages are open: this one stays as it was loaded until another one is closed.
    source.addEventListener("full", () => {
      full.hidden = false;
      look();
    });
    source.addEventListener("bye", () => location.reload());
    source.onerror = () => {
      // A browser does not come back by itself after an answer that is no stream.
      source.close();
      source = undefined;
      again = setTimeout(listen, full.hidden ? 2_000 : 15_000);
    };
  }
  function hush() {
    clearTimeout(again);
    source?.close();
    source = undefined;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
  addEventListener("pagehide", hush);
  addEventListener("pageshow", listen);
  setInterval(look, 1_000);
  setInterval(tellTimes, 30_000);
  tellTimes();
  listen();
})();
