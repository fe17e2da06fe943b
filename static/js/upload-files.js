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

// What was dropped. The entries must be taken at once: after the first await the browser has forgotten them.
export async function fromDrop(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found.filter((one) => !isNoise(one.path));
}

async function walk(entry, found) {
  if (!entry) return;
  if (entry instanceof File) found.push({ file: entry, path: entry.name });
  else if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
  } else if (entry.isDirectory) {
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most 100 at a time
      if (!some.length) break;
      for (const child of some) await walk(child, found);
    }
  }
}
