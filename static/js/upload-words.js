// Numbers of an upload in words.

export function number(value) {
  return value.toLocaleString("en-GB");
}

export function counted(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function size(bytes) {
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (bytes < 1000 || unit === "GB") return `${unit === "bytes" || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${unit}`;
    bytes /= 1000;
  }
  return "";
}

export function time(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 90) return `${Math.round(seconds / 10) * 10} seconds`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}

// What a list of groups is called: by study where all files said theirs, by folder where none did.
export function groupName(group) {
  if (group.study) return `Study ${number(group.place)}`;
  return group.folder ? `Folder ${group.folder}` : "Files outside a folder";
}

// What came of it, when nothing is left to do.
export function summary({ done, here, failed, unchanged }) {
  const parts = [];
  if (done) parts.push(`${counted(done, "file")} sent and handed to processing.`);
  if (here) parts.push(`${number(here)} ${here === 1 ? "was" : "were"} already here.`);
  if (unchanged) {
    parts.push(`${number(unchanged)} of these ${unchanged === 1 ? "was refused and is" : "were refused and are"} unchanged: correct them first.`);
  }
  if (failed) parts.push(`${number(failed)} could not be sent: see below.`);
  return parts.join(" ");
}

// The speed over the last 15 seconds.
export class Speed {
  static WINDOW = 15000;
  marks = [];

  reset() {
    this.marks = [];
  }

  note(bytes) {
    const now = performance.now();
    if (this.marks.length && now - this.marks.at(-1).now < 250) return;
    this.marks.push({ now, bytes });
    while (this.marks[0].now < now - Speed.WINDOW) this.marks.shift();
  }

  // Bytes a second, or 0 while too little is known.
  get now() {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    const passed = last ? last.now - first.now : 0;
    return passed > 800 ? Math.max(0, ((last.bytes - first.bytes) / passed) * 1000) : 0;
  }
}
