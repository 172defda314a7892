// A picture for the documentation: the same, in a fifth of the bytes. A page has few colours, and the shades at the edges of its letters; the
// 256 that are there most are kept as they are, the others become the nearest of them.

import { deflateSync, inflateSync } from "node:zlib";

const CRC = Array.from({ length: 256 }, (_, at) => { let value = at; for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1; return value >>> 0; });
const crc = (bytes) => { let value = 0xffffffff; for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8); return (value ^ 0xffffffff) >>> 0; };

function chunk(kind, data) {
  const bytes = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(bytes));
  return Buffer.concat([length, bytes, sum]);
}

/** The pixels of a PNG of eight bits a sample, as numbers 0xRRGGBB. */
function pixels(png) {
  const parts = [];
  let head = null;
  for (let at = 8; at < png.length;) {
    const [length, kind] = [png.readUInt32BE(at), png.toString("latin1", at + 4, at + 8)];
    const data = png.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") head = data;
    if (kind === "IDAT") parts.push(data);
    at += 12 + length;
  }
  const [width, height, depth, colour, interlaced] = [head.readUInt32BE(0), head.readUInt32BE(4), head[8], head[9], head[12]];
  if (depth !== 8 || ![2, 6].includes(colour) || interlaced) throw new Error(`a picture of another kind: ${depth} ${colour} ${interlaced}`);
  const [each, packed] = [colour === 6 ? 4 : 3, inflateSync(Buffer.concat(parts))];
  const stride = width * each;
  const found = new Uint32Array(width * height);
  let above = Buffer.alloc(stride);
  for (let row = 0; row < height; row += 1) {
    const filter = packed[row * (stride + 1)];
    const line = Buffer.from(packed.subarray(row * (stride + 1) + 1, (row + 1) * (stride + 1)));
    for (let at = 0; at < stride; at += 1) {
      const [left, up, corner] = [at >= each ? line[at - each] : 0, above[at], at >= each ? above[at - each] : 0];
      let before = 0;
      if (filter === 1) before = left;
      else if (filter === 2) before = up;
      else if (filter === 3) before = (left + up) >> 1;
      else if (filter === 4) {
        const guess = left + up - corner;
        const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
        before = a <= b && a <= c ? left : b <= c ? up : corner;
      }
      line[at] = (line[at] + before) & 255;
    }
    for (let column = 0; column < width; column += 1) found[row * width + column] = line[column * each] * 65536 + line[column * each + 1] * 256 + line[column * each + 2];
    above = line;
  }
  return { width, height, found };
}

/** The same picture with 256 colours. */
export function small(png) {
  const { width, height, found } = pixels(png);
  const counts = new Map();
  for (const colour of found) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const kept = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 256).map(([colour]) => colour);
  const place = new Map(kept.map((colour, at) => [colour, at]));
  const far = (a, b) => ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
  for (const colour of counts.keys()) {
    if (place.has(colour)) continue;
    let best = 0;
    for (let at = 1; at < kept.length; at += 1) if (far(colour, kept[at]) < far(colour, kept[best])) best = at;
    place.set(colour, best);
  }
  const rows = Buffer.alloc(height * (width + 1));
  for (let row = 0; row < height; row += 1) for (let column = 0; column < width; column += 1) rows[row * (width + 1) + 1 + column] = place.get(found[row * width + column]);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const palette = Buffer.from(kept.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([png.subarray(0, 8), chunk("IHDR", head), chunk("PLTE", palette), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}
