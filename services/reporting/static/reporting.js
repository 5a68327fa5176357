// Keeps the overview moving: a hint or a quarter of a minute makes the figures be fetched again; silence for a minute is shown.
(() => {
  "use strict";
  const REFRESH_MS = 15_000;
  const STALE_MS = 60_000;
  const ANNOUNCE_MS = 30_000;
  const figures = document.getElementById("figures");
  const live = document.getElementById("live");
  const pause = document.getElementById("pause");
  const announcer = document.getElementById("announcer");
  if (!figures || !live || !window.htmx) return;

  const freshness = () => document.getElementById("freshness");

  let paused = false;
  let seen = freshness()?.dataset.position ?? "";
  let loadedAt = Date.now();
  let askedAt = Date.now();
  let announcedAt = Date.now();

  function behind() {
    const told = freshness()?.dataset.behindMs;
    return told ? Number(told) + Date.now() - loadedAt : Infinity;
  }

  function showAge() {
    const banner = document.getElementById("stale");
    if (banner) banner.hidden = paused || behind() <= STALE_MS;
    freshness()?.classList.toggle("late", behind() > STALE_MS);
    freshness()?.classList.toggle("paused", paused);
  }

  function refresh() {
    askedAt = Date.now();
    window.htmx.trigger(figures, "segarkan");
  }

  function announce() {
    if (Date.now() - announcedAt < ANNOUNCE_MS) return;
    announcedAt = Date.now();
    announcer.textContent = `Angka diperbarui, ${freshness()?.innerText.trim() ?? ""}`;
  }

  // A hint says what to ask for at least. A reset says that this is another history: what was seen counts no longer.
  for (const hint of ["perubahan", "reset"]) {
    live.addEventListener(hint, (told) => {
      seen = told.detail?.data ?? "";
      if (!paused) refresh();
    });
  }
  figures.addEventListener("htmx:config:request", (asked) => { asked.detail.ctx.request.headers["Position-Seen"] = seen; });
  live.addEventListener("masuk", () => {
    window.location.assign(`/masuk?kembali=${encodeURIComponent(window.location.pathname + window.location.search)}`);
  });
  figures.addEventListener("htmx:after:swap", () => {
    loadedAt = Date.now();
    seen = freshness()?.dataset.position ?? seen;
    showAge();
    announce();
  });
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Lanjutkan pembaruan" : "Jeda pembaruan";
    showAge();
    if (!paused) refresh();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !paused) refresh(); });
  window.setInterval(() => {
    if (!paused && !document.hidden && Date.now() - askedAt >= REFRESH_MS) refresh();
    showAge();
  }, 1000);
})();
