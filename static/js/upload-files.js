// Which files were chosen or dropped, with their paths; folders are walked, the noise of operating systems is left out.

const NOISE = new Set([".ds_store", "thumbs.db", "desktop.ini"]);

export function isNoise(path) {
  const last = path.split("/").pop().toLowerCase();
  return NOISE.has(last) || last.startsWith("._") || path.startsWith("__MACOSX/");
}

// A FileList of an <input>: the browser tells the path below the chosen folder.
export function fromInput(list) {
  return [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter((one) => !isNoise(one.path));
}

// What was dropped: {found, unreadable}. The entries must be taken at once: after the first await the browser has forgotten them.
// `onFound` is told the number found so far, for folders of many thousands.
export async function fromDrop(transfer, onFound = () => {}) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const all = { found: [], unreadable: 0 };
  await walk(entries.filter(Boolean), all, onFound);
  return all;
}

async function walk(entries, all, onFound) {
  // The files of one reading together: one after the other takes minutes for ten thousand.
  await Promise.all(entries.map((entry) => take(entry, all)));
  onFound(all.found.length);
  for (const entry of entries) {
    if (!entry.isDirectory) continue;
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => null);
      if (some === null) all.unreadable += 1;
      if (!some?.length) break; // a reader gives at most 100 at a time, and none at its end
      await walk(some, all, onFound);
    }
  }
}

async function take(entry, all) {
  if (entry.isDirectory) return;
  const path = entry instanceof File ? entry.name : entry.fullPath.replace(/^\//, "");
  if (isNoise(path)) return;
  const file = entry instanceof File ? entry : await new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => null);
  if (file) all.found.push({ file, path });
  else all.unreadable += 1;
}
