// The files of an upload by study, or by folder where a file does not say its study. A study is known by a number alone.

const SETTLED = new Set(["done", "here", "failed"]);

export class Groups {
  all = new Map();
  complete = 0;

  get size() {
    return this.all.size;
  }

  // The groups being sent just now, in the order in which they were found; at most `most`.
  underWay(most) {
    const found = [];
    for (const group of this.all.values()) {
      if (group.sending > 0) found.push(group);
      if (found.length === most) break;
    }
    return found;
  }

  // `number` is what the reading worker said: 0 where the file does not tell its study.
  put(item, number) {
    const folder = item.path.split("/").slice(0, -1).join("/");
    const key = number ? `study ${number}` : `folder ${folder}`;
    if (!this.all.has(key)) {
      this.all.set(key, { place: this.all.size + 1, study: number > 0, folder, total: 0, settled: 0, failed: 0, sending: 0 });
    }
    item.group = this.all.get(key);
    this.#count(item.group, () => {
      item.group.total += 1;
      this.#add(item.group, item.state, 1);
    });
  }

  moved(item, before, after) {
    if (!item.group) return;
    this.#count(item.group, () => {
      if (before) this.#add(item.group, before, -1);
      this.#add(item.group, after, 1);
    });
  }

  forget(item) {
    if (!item.group) return;
    this.#count(item.group, () => {
      item.group.total -= 1;
      this.#add(item.group, item.state, -1);
    });
    item.group = null;
  }

  #add(group, state, by) {
    if (SETTLED.has(state)) group.settled += by;
    if (state === "failed") group.failed += by;
    if (state === "sending") group.sending += by;
  }

  #count(group, change) {
    const whole = () => Number(group.total > 0 && group.settled === group.total);
    this.complete -= whole();
    change();
    this.complete += whole();
  }
}
