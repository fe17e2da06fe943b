// A session that may show identity ends after a time without a sign of life. This watches for pointer and keys, tells the
// server (at most twice a minute), asks before the end, and ends the session for all tabs when nobody answers.
const dialog = document.querySelector("#idle");
const after = Number(dialog.dataset.after) * 1000;
const warning = Number(dialog.dataset.warning) * 1000;
const title = document.title;
let moved = Date.now();
let told = Date.now();
let end = Date.now() + after;

function token() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

async function ask(method, body) {
  const options = { method, headers: { "X-CSRFToken": token() }, credentials: "same-origin" };
  if (body) options.body = new URLSearchParams(body);
  const answer = await fetch(dialog.dataset.url, options);
  const { left } = await answer.json();
  if (left === 0) leave();
  else if (left !== null) end = Date.now() + left * 1000;
}

function leave() {
  // What was on the screen goes at once, whatever the network does.
  document.querySelector("#main").replaceChildren();
  const here = location.pathname + location.search;
  location.replace(`${dialog.dataset.login}?next=${encodeURIComponent(here)}`);
}

async function stop() {
  try {
    await ask("POST", { end: "1" });
  } finally {
    leave();
  }
}

function stay() {
  dialog.close();
  document.title = title;
  moved = told = Date.now();
  end = moved + after;
  ask("POST").catch(() => {});
}

for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
  document.addEventListener(kind, () => !dialog.open && (moved = Date.now()), { passive: true });
}
dialog.querySelector("[data-stay]").addEventListener("click", stay);
dialog.querySelector("[data-leave]").addEventListener("click", stop);
dialog.addEventListener("cancel", stay);

setInterval(async () => {
  const now = Date.now();
  if (!dialog.open && moved > told && now - told > 30_000) {
    told = now;
    ask("POST").catch(() => {});
    end = moved + after;
  }
  if (now >= end) return stop();
  if (now < end - warning) return;
  if (!dialog.open) {
    await ask("GET").catch(() => {}); // another tab may be at work
    if (Date.now() < end - warning) return;
    dialog.showModal();
    document.title = "Are you still there?";
  }
  const left = Math.max(0, Math.round((end - Date.now()) / 1000));
  dialog.querySelector("[data-left]").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} minutes`;
}, 1000);
