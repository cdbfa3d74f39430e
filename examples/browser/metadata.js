// The texts inside an ONNX file: its `metadata_props`, which ONNX Runtime Web does not hand out.
// The file is a Protocol Buffers message. Its fields are skipped by their lengths, so that the
// 240 MB of weights are not looked at.

const METADATA_PROPS = 14; // ModelProto: repeated StringStringEntryProto
const KEY = 1;
const VALUE = 2;

// Yield the number and the bytes of each field of a message that has bytes.
function* fields(bytes) {
  let at = 0;
  // Sums and products, since the shifts of JavaScript end at 32 bits.
  const varint = () => {
    for (let value = 0, unit = 1; at < bytes.length; unit *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    throw new RangeError("The message is cut short.");
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag % 8;
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError("The message is cut short.");
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else throw new RangeError(`No message has fields of type ${type}.`);
  }
}

/** Return the texts of an ONNX file by their names. */
export function metadata(bytes) {
  const decoder = new TextDecoder();
  const texts = {};
  for (const [number, entry] of fields(bytes)) {
    if (number !== METADATA_PROPS) continue;
    const pair = {};
    for (const [part, text] of fields(entry)) pair[part] = decoder.decode(text);
    texts[pair[KEY]] = pair[VALUE] ?? "";
  }
  return texts;
}
