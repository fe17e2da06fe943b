// Drawing with WebGL2: stored values in an integer texture, grey levels in a table that is a texture too. The graphics processor places,
// interpolates between neighbours after the table, and computes no grey level itself.

const CORNERS = `#version 300 es
void main() { gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0); }`;

const POINTS = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D values;
uniform sampler2D greys;
uniform vec4 inverse;
uniform vec2 centre, screen, whole, part;
uniform float shrink;
uniform bool colour, smoothly;
out vec4 seen;

float grey(uint value) { return texelFetch(greys, ivec2(int(value & 255u), int(value >> 8u)), 0).r; }
vec3 at(ivec2 place) {
  uvec4 value = texelFetch(values, clamp(place, ivec2(0), ivec2(part) - 1), 0);
  return colour ? vec3(grey(value.r), grey(value.g), grey(value.b)) : vec3(grey(value.r));
}
void main() {
  vec2 from = vec2(gl_FragCoord.x, screen.y - gl_FragCoord.y) - screen * 0.5;
  vec2 place = vec2(dot(inverse.xy, from), dot(inverse.zw, from)) + centre;
  if (any(lessThan(place, vec2(0.0))) || any(greaterThanEqual(place, whole))) { seen = vec4(0.0, 0.0, 0.0, 1.0); return; }
  place *= shrink;
  if (!smoothly) { seen = vec4(at(ivec2(place)), 1.0); return; }
  vec2 middle = place - 0.5;
  ivec2 corner = ivec2(floor(middle));
  vec2 share = middle - floor(middle);
  vec3 above = mix(at(corner), at(corner + ivec2(1, 0)), share.x);
  vec3 below = mix(at(corner + ivec2(0, 1)), at(corner + ivec2(1, 1)), share.x);
  seen = vec4(mix(above, below, share.y), 1.0);
}`;

const UNIFORMS = ["values", "greys", "inverse", "centre", "screen", "whole", "part", "shrink", "colour", "smoothly"];

const PLAYED = /swiftshader|llvmpipe|software|basic render/i;
const REMEMBERED = "viewer-painter";

// Whether drawing is quicker with WebGL2 than on the canvas: not where a processor plays the graphics card. Asking costs a context, so the
// answer is kept for as long as the tab lives.
export function hasGraphics() {
  try {
    const known = sessionStorage.getItem(REMEMBERED);
    if (known) return known === "webgl2";
  } catch {
    // no storage: ask each time
  }
  const gl = document.createElement("canvas").getContext("webgl2");
  const named = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = gl ? String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  const found = Boolean(gl) && !PLAYED.test(name);
  try {
    sessionStorage.setItem(REMEMBERED, found ? "webgl2" : "canvas");
  } catch {
    // see above
  }
  return found;
}

export class GlPainter {
  // Null where the browser has no WebGL2.
  static make(canvas) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, stencil: false });
    if (!gl) return null;
    try {
      return new GlPainter(canvas, gl);
    } catch {
      return null;
    }
  }

  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.kind = "webgl2";
    this.program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, CORNERS], [gl.FRAGMENT_SHADER, POINTS]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS)) throw new Error("the shaders do not link");
    gl.useProgram(this.program);
    this.place = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.longest = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    this.levels = new Map();
    this.table = gl.createTexture();
    this.#bind(1, this.table);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R8, 256, 256);
  }

  // Whether the picture fits into a texture here.
  takes(picture) {
    return Math.max(picture.columns, picture.rows) <= this.longest;
  }

  show(picture) {
    for (const texture of this.levels.values()) this.gl.deleteTexture(texture);
    this.levels.clear();
    this.picture = picture;
  }

  #bind(unit, texture) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  }

  #texture(number) {
    const known = this.levels.get(number);
    if (known) return this.#bind(0, known);
    const { gl, picture } = this;
    const { columns, rows, values } = picture.level(number);
    const texture = gl.createTexture();
    this.levels.set(number, texture);
    this.#bind(0, texture);
    const [inside, order, kind] = picture.samples === 3
      ? [gl.RGB8UI, gl.RGB_INTEGER, gl.UNSIGNED_BYTE]
      : picture.wide ? [gl.R16UI, gl.RED_INTEGER, gl.UNSIGNED_SHORT] : [gl.R8UI, gl.RED_INTEGER, gl.UNSIGNED_BYTE];
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texStorage2D(gl.TEXTURE_2D, 1, inside, columns, rows);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, columns, rows, order, kind, values);
  }

  paint(placing, greys, smoothly) {
    const { gl, picture, place } = this;
    const number = picture.levelFor(placing.scale);
    const { columns, rows } = picture.level(number);
    this.#texture(number);
    this.#bind(1, this.table);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 256, greys.length / 256, gl.RED, gl.UNSIGNED_BYTE, greys);
    gl.viewport(0, 0, placing.width, placing.height);
    gl.uniform1i(place.values, 0);
    gl.uniform1i(place.greys, 1);
    gl.uniform4fv(place.inverse, placing.inverse);
    gl.uniform2f(place.centre, placing.x, placing.y);
    gl.uniform2f(place.screen, placing.width, placing.height);
    gl.uniform2f(place.whole, picture.columns, picture.rows);
    gl.uniform2f(place.part, columns, rows);
    gl.uniform1f(place.shrink, 1 / 2 ** number);
    gl.uniform1i(place.colour, picture.samples === 3 ? 1 : 0);
    gl.uniform1i(place.smoothly, smoothly ? 1 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // What was painted just now: red, green, blue and alpha from the top left. For whoever compares.
  read() {
    const { gl, canvas: { width, height } } = this;
    const upward = new Uint8Array(width * height * 4);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, upward);
    const pixels = new Uint8Array(upward.length);
    for (let row = 0; row < height; row += 1) {
      pixels.set(upward.subarray((height - 1 - row) * width * 4, (height - row) * width * 4), row * width * 4);
    }
    return { width, height, pixels };
  }

  end() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
