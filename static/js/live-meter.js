// The live meter: parts of a page that are fetched again while somebody looks at them.
//
// A part is an element with an id and data-live="address". The address answers 304 while nothing has changed, else all
// parts, and those that this page has are put in place of the old ones. Nothing is asked while the tab is hidden; after a
// failure the pauses grow. Without this script the page shows the counts of when it was loaded.

const PAUSE = 15_000;
const LONGEST = 5 * 60_000;

function watch(address) {
  let pause = PAUSE;
  let timer = 0;
  let asking = false;
  const parts = () => [...document.querySelectorAll("[data-live]")].filter((part) => part.dataset.live === address);
  let tag = parts()[0]?.dataset.tag;

  async function ask() {
    if (asking || document.hidden) return;
    asking = true;
    try {
      const headers = tag ? { "If-None-Match": `"${tag}"` } : {};
      const answer = await fetch(address, { headers, cache: "no-store", credentials: "same-origin" });
      if (answer.status === 200) show(await answer.text());
      else if (answer.status !== 304) throw new Error(String(answer.status));
      pause = PAUSE;
    } catch {
      pause = Math.min(pause * 2, LONGEST);
    }
    asking = false;
    plan();
  }

  function show(page) {
    const fresh = new DOMParser().parseFromString(page, "text/html");
    tag = fresh.querySelector("[data-tag]")?.dataset.tag;
    const said = fresh.querySelector("[data-said]")?.dataset.said ?? "";
    for (const part of parts()) {
      const next = fresh.getElementById(part.id);
      // What somebody works in stays as it is until they have left it.
      if (next && !part.contains(document.activeElement)) part.replaceWith(document.adoptNode(next));
    }
    const status = document.querySelector("[data-live-status]");
    if (status && status.textContent !== said) status.textContent = said;
  }

  function plan() {
    clearTimeout(timer);
    if (!document.hidden && parts().length) timer = setTimeout(ask, pause);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
  plan();
}

const addresses = new Set([...document.querySelectorAll("[data-live]")].map((part) => part.dataset.live));
for (const address of addresses) watch(address);
for (const note of document.querySelectorAll("[data-live-note]")) note.hidden = addresses.size === 0;
