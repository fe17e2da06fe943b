// The summary that belongs to the chosen decision, as long as the reviewer has not changed a word of it.
const form = document.querySelector("[data-decision]");
const summary = form.querySelector("textarea");
const written = new Map([...form.querySelectorAll("template[data-written]")].map((each) => [each.dataset.written, each.content.textContent]));

form.addEventListener("change", (event) => {
  if (event.target.name !== "decision") return;
  const untouched = !summary.value.trim() || [...written.values()].includes(summary.value);
  if (untouched) summary.value = written.get(event.target.value) ?? summary.value;
});

// A second press on the button while the first is on its way is not a second decision.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => delete form.dataset.sent);
