// A worker that reads files beside the page: which study a file belongs to, and its SHA-256.
//
// A StudyInstanceUID never leaves this worker: the page is told a number, 1 for the first study seen, 2 for the second. 0 means that
// the file does not say, because it is no DICOM file or its header is longer than what is read.

const FIRST_LOOK = 8 * 1024;
const LONG_LOOK = 256 * 1024;
const STUDY = 0x0020000d;
const IMPLICIT = "1.2.840.10008.1.2";
const NOT_READ = new Set(["1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]); // big endian, deflated
const LONG_VR = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const UNDEFINED = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const DEEPEST = 16;

const numbers = new Map();

addEventListener("message", async ({ data: { id, act, file } }) => {
  try {
    postMessage({ id, value: act === "study" ? await studyOf(file) : await sha256(file) });
  } catch {
    postMessage({ id, failed: true });
  }
});

async function sha256(file) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
}

async function studyOf(file) {
  for (const length of [FIRST_LOOK, LONG_LOOK]) {
    const uid = findStudy(new DataView(await file.slice(0, length).arrayBuffer()));
    if (uid === "") return 0;
    if (uid) {
      if (!numbers.has(uid)) numbers.set(uid, numbers.size + 1);
      return numbers.get(uid);
    }
    if (file.size <= length) return 0;
  }
  return 0;
}

class Short extends Error {}

// The UID, "" where the file does not say, null where more bytes are needed.
function findStudy(view) {
  if (view.byteLength < 132 || text(view, 128, 4) !== "DICM") return "";
  try {
    const meta = { view, at: 132, implicit: false };
    let syntax = "";
    while (tagAt(meta) >>> 16 === 2) {
      const element = next(meta);
      if (element.tag === 0x00020010) syntax = text(view, element.start, element.length);
      meta.at = element.start + element.length;
    }
    if (NOT_READ.has(syntax)) return "";
    const set = { view, at: meta.at, implicit: syntax === IMPLICIT };
    for (;;) {
      const element = next(set);
      if (element.tag === STUDY) {
        if (element.start + element.length > view.byteLength) throw new Short();
        return text(view, element.start, element.length);
      }
      if (element.tag > STUDY) return ""; // elements stand in the order of their tags
      skip(set, element, 0);
    }
  } catch (error) {
    if (error instanceof Short || error instanceof RangeError) return null;
    throw error;
  }
}

function tagAt({ view, at }) {
  return ((view.getUint16(at, true) << 16) | view.getUint16(at + 2, true)) >>> 0;
}

// The element at the reader's place: {tag, start, length}; the place moves to its value.
function next(reader) {
  const { view, at, implicit } = reader;
  const tag = tagAt(reader);
  if (implicit || tag >>> 16 === 0xfffe) reader.at += 8;
  const vr = implicit || tag >>> 16 === 0xfffe ? "" : text(view, at + 4, 2);
  let length;
  if (!vr) length = view.getUint32(at + 4, true);
  else if (LONG_VR.has(vr)) {
    length = view.getUint32(at + 8, true);
    reader.at += 12;
  } else {
    length = view.getUint16(at + 6, true);
    reader.at += 8;
  }
  return { tag, start: reader.at, length };
}

// Past an element; one of undefined length is a sequence, whose items are walked.
function skip(reader, element, depth) {
  if (element.length !== UNDEFINED) {
    reader.at = element.start + element.length;
    return;
  }
  if (depth > DEEPEST) throw new Short();
  for (;;) {
    const item = next(reader);
    if (item.tag === SEQUENCE_END) return;
    if (item.tag !== ITEM) throw new Short();
    if (item.length !== UNDEFINED) reader.at = item.start + item.length;
    else
      for (;;) {
        const inner = next(reader);
        if (inner.tag === ITEM_END) break;
        skip(reader, inner, depth + 1);
      }
  }
}

function text(view, at, length) {
  let found = "";
  for (let index = at; index < Math.min(at + length, view.byteLength); index += 1) found += String.fromCharCode(view.getUint8(index));
  return found.replace(/[\0 ]+$/, "");
}
