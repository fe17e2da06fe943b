// Keeps "5 minutes ago" true while a page stays open. The words match getdata/common/templatetags/ui_time.py.
const STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [86400 * 30, "day", 86400],
];

function words(seconds) {
  const size = Math.abs(seconds);
  if (size < 45) return "just now";
  for (const [limit, unit, length] of STEPS.slice(1)) {
    if (size < limit) {
      const count = Math.max(1, Math.floor(size / length));
      const text = `${count} ${unit}${count === 1 ? "" : "s"}`;
      return seconds >= 0 ? `${text} ago` : `in ${text}`;
    }
  }
  return null; // beyond a month the server's date stands
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = words((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (text && time.textContent !== text) time.textContent = text;
  }
}
setInterval(refresh, 30000);
