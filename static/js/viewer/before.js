// The original of an image, before de-identification: a picture of 8 bits that a worker of the portal draws on demand, for people of the
// hospital that sent it. It is brought to the size of the image, so that both can be moved together and layers lie where they belong.

import { Display } from "./display.js";
import { Picture } from "./picture.js";
import { ask, Refused } from "./source.js";

const PATIENCE = 45_000;
const PAUSE = 700;

async function drawn(url) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  for (const begun = performance.now(); ; ) {
    const answer = await ask(url);
    if (answer.status !== 202) return answer.blob();
    if (performance.now() - begun > PATIENCE) throw new Refused("The original is not drawn yet.", "Try again in a minute: no worker was free.");
    if (!drawn.asked.has(url)) await ask(url, { method: "POST", headers: { "X-CSRFToken": token } });
    drawn.asked.add(url);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
drawn.asked = new Set();

// {description, picture, display} of the original of a described image.
export async function beforeOf(after) {
  const small = await createImageBitmap(await drawn(after.before));
  const alike = Math.abs((small.width * after.display.rows) / (small.height * after.display.columns) - 1) < 0.02;
  const [columns, rows] = alike ? [after.display.columns, after.display.rows] : [small.width, small.height];
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, columns, rows);
  small.close();
  const colours = new Uint32Array(context.getImageData(0, 0, columns, rows).data.buffer);
  const values = new Uint8Array(columns * rows);
  for (let place = 0; place < values.length; place += 1) values[place] = colours[place] & 255;
  const grey = { rescale: null, modality_lut: null, luts: [], padding: null, samples: 1, signed: false, photometric: "MONOCHROME2" };
  const windows = [{ name: "As drawn", centre: 127.5, width: 255, function: "LINEAR_EXACT" }];
  const display = { ...after.display, ...grey, windows, columns, rows, frames: 1, bits_allocated: 8, bits_stored: 8 };
  if (!alike) display.spacing = null; // turned or cut since: its lengths are not those of the image
  const description = {
    ...after, display, id: `${after.id} before`, frame: 1, title: `Original of ${after.title}, reduced`,
    layers: alike ? after.layers : [], labels: [],
  };
  return { description, picture: new Picture({ ...display, values }), display: new Display(display) };
}
