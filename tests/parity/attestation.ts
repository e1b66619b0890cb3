// Attestations (docs/reference/attestation.md), implemented once more, with Node's crypto and none of this project's code, and held
// against attestation.vectors.json, which attestation.py makes.
//
//     node tests/parity/attestation.ts          from Node 22.18 on, which leaves types out by itself
//     node tests/parity/typeless.mjs attestation.ts     with any other from Node 20 on
//
// JSON is read here and not by JSON.parse, which keeps the last of two equal names, makes 1 of 1.0, and takes 2^53 + 1 for 2^53.
// Objects are Maps: a property called __proto__ is a property. Ed25519 is OpenSSL's, which is strict about S.
import { createHash, createHmac, createPrivateKey, createPublicKey, sign as signPair, timingSafeEqual, verify as verifyPair } from "node:crypto";
import { readFileSync } from "node:fs";

type Json = undefined | null | boolean | string | Num | Json[] | Members;
type Members = Map<string, Json>;
type Found = [Json, number];
type Case = Record<string, any>;
type Keys = Case;
type Names = Record<string, string>;
type Projection = [Buffer, string[]];
type Ring = Record<string, Keys>;
type Work = () => Case;
type Tell = (reason: string) => Case;

const PREFIX = "countersign-attestation-v1\n";
const MAX_CONTENT = 1 << 20, MAX_DEPTH = 64, MAX_TIME = 253402300799;
const LENGTHS = new Map([["hmac-sha256", 64], ["ed25519", 128]]);
const NAMES = { attestation: "attestation", signature: "attestation_signature", verdict: "attestation_verdict" };

class Refused extends Error {}

// A number as it is spelled.
class Num {
  text;
  constructor(text: string) {
    this.text = text;
  }
}

// ───────────── reading ─────────────

class Reader {
  text;
  at;
  constructor(text: string) {
    this.text = text;
    this.at = 0;
  }

  fail() {
    return new Refused("malformed_event");
  }

  take(pattern: RegExp) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) throw this.fail();
    this.at += found[0].length;
    return found[0];
  }

  // The next character that is no white space.
  mark() {
    this.take(/[ \t\n\r]*/y);
    return this.text[this.at];
  }

  value(depth: number): Json {
    const mark = this.mark();
    if (mark === "{" || mark === "[") {
      if (depth > MAX_DEPTH) throw this.fail();
      this.at++;
      return mark === "{" ? this.object(depth) : this.array(depth);
    }
    if (mark === '"') return this.string();
    const word = this.take(/true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y);
    if (word === "true" || word === "false") return word === "true";
    if (word === "null") return null;
    if (!Number.isFinite(Number(word))) throw this.fail();
    return new Num(word);
  }

  string() {
    const text = this.take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
    const read = JSON.parse(text);
    // Half a pair of surrogates is no text.
    if (/\p{Surrogate}/u.test(read)) throw this.fail();
    return read;
  }

  object(depth: number) {
    const members = new Map();
    if (this.mark() === "}") {
      this.at++;
      return members;
    }
    for (;;) {
      if (this.mark() !== '"') throw this.fail();
      const name = this.string();
      this.mark();
      this.take(/:/y);
      const value = this.value(depth + 1);
      if (members.has(name)) throw this.fail();
      members.set(name, value);
      this.mark();
      if (this.take(/[,}]/y) === "}") return members;
    }
  }

  array(depth: number) {
    const items: Json[] = [];
    if (this.mark() === "]") {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      this.mark();
      if (this.take(/[,\]]/y) === "]") return items;
    }
  }
}

function read(bytes: Buffer) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("malformed_event");
  }
  const reader = new Reader(text);
  const event = reader.value(1);
  if (reader.mark() !== undefined || !(event instanceof Map)) throw reader.fail();
  return event;
}

// ───────────── fields ─────────────

const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other));

function fold(name: string) {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replaceAll("\u017f", "s").replaceAll("\u212a", "k");
}

function steps(field: string) {
  return field.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function checkField(field: string, names: Names) {
  if (!/^(\/([^\/~]|~[01])*)+$/.test(field) || Buffer.byteLength(field) > 512) throw new Refused("malformed_field");
  const first = fold(steps(field)[0]);
  if (Object.values(names).some((name) => fold(name) === first)) throw new Refused("reserved_field");
}

// The value at a field, or undefined, and its level.
function find(event: Members, field: string): Found {
  let here: Json = event;
  let depth = 1;
  for (const step of steps(field)) {
    if (!(here instanceof Map)) throw new Refused("unreachable_field");
    for (const name of here.keys()) {
      if (name !== step && fold(name) === fold(step)) throw new Refused("ambiguous_field");
    }
    depth++;
    if (!here.has(step)) return [undefined, depth];
    here = here.get(step);
  }
  return [here, depth];
}

// ───────────── the projection ─────────────

function sized(tag: string, text: string) {
  return `${tag}${Buffer.byteLength(text)}:${text}`;
}

function isInteger(value: Json) {
  return value instanceof Num && /^(0|-?[1-9][0-9]*)$/.test(value.text) && Number.isSafeInteger(Number(value.text));
}

function projectValue(value: Json, depth: number): string {
  if (value === undefined) return "-";
  if (value === null) return "n";
  if (typeof value === "boolean") return value ? "t" : "f";
  if (typeof value === "string") return sized("s", value);
  if (value instanceof Num) {
    if (!isInteger(value)) throw new Refused("unsupported_number");
    return sized("i", value.text);
  }
  if (depth > MAX_DEPTH) throw new Refused("too_deep");
  if (Array.isArray(value)) return `a${value.length}:` + value.map((item) => projectValue(item, depth + 1)).join("");
  const inner = [...value.keys()].sort(byBytes).map((name) => sized("s", name) + projectValue(value.get(name), depth + 1));
  return `o${value.size}:` + inner.join("");
}

// What is signed, and those fields that are not there.
function project(event: Members, algorithm: string, keyId: string, time: number, fields: string[]): Projection {
  let out = PREFIX + sized("s", algorithm) + sized("s", keyId) + sized("i", `${time}`) + `a${fields.length}:`;
  const absent = [];
  for (const field of fields) {
    const [value, depth] = find(event, field);
    if (value === undefined) absent.push(field);
    out += sized("s", field) + projectValue(value, depth);
    if (Buffer.byteLength(out) > MAX_CONTENT) throw new Refused("too_large");
  }
  return [Buffer.from(out), absent];
}

// ───────────── keys ─────────────

function thumbprint(publicHex: string) {
  const x = Buffer.from(publicHex, "hex").toString("base64url");
  return createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
}

function hmac(key: Keys, content: Buffer) {
  return createHmac("sha256", key.secret).update(content).digest();
}

function sign(key: Keys, content: Buffer) {
  if (key.algorithm === "hmac-sha256") return hmac(key, content).toString("hex");
  const der = Buffer.from("302e020100300506032b657004220420" + key.private, "hex");
  return signPair(null, content, createPrivateKey({ key: der, format: "der", type: "pkcs8" })).toString("hex");
}

function verifies(key: Keys, content: Buffer, signature: Buffer) {
  if (key.algorithm === "hmac-sha256") return timingSafeEqual(hmac(key, content), signature);
  const der = Buffer.from("302a300506032b6570032100" + key.public, "hex");
  return verifyPair(null, content, createPublicKey({ key: der, format: "der", type: "spki" }), signature);
}

// ───────────── attesting ─────────────

function strip(event: Members, names: Names) {
  return new Map([...event].filter(([name]) => fold(name) !== fold(names.verdict)));
}

function attest(event: Members, given: string[], key: Keys, time: number, names: Names) {
  if (!(time >= 0 && time <= MAX_TIME)) throw new Refused("malformed_attestation");
  const fields = [...given].sort(byBytes);
  fields.forEach((field) => checkField(field, names));
  const [content] = project(event, key.algorithm, key.id, time, fields);
  const signature = sign(key, content);
  const attestation = { version: 1, algorithm: key.algorithm, key_id: key.id, time, fields };
  const properties = new Set([...strip(event, names).keys(), names.attestation, names.signature]);
  return { content: content.toString(), attestation, signature, properties: [...properties].sort(byBytes) };
}

// ───────────── verifying ─────────────

function attestationOf(event: Members, names: Names) {
  if (!event.has(names.attestation)) throw new Refused("missing_attestation");
  if (!event.has(names.signature)) throw new Refused("missing_signature");
  const found = event.get(names.attestation);
  const malformed = new Refused("malformed_attestation");
  if (!(found instanceof Map)) throw malformed;
  const version: any = found.get("version");
  if (!isInteger(version)) throw malformed;
  if (version.text !== "1") throw new Refused("unknown_version");
  const [algorithm, keyId, time, fields] = ["algorithm", "key_id", "time", "fields"].map((name): any => found.get(name));
  const good = found.size === 5 &&
    typeof algorithm === "string" &&
    typeof keyId === "string" && /^[A-Za-z0-9._:\/#?&=+%~-]{1,256}$/.test(keyId) &&
    isInteger(time) && Number(time.text) >= 0 && Number(time.text) <= MAX_TIME &&
    Array.isArray(fields) && fields.length >= 1 && fields.length <= 64 &&
    fields.every((field) => typeof field === "string");
  if (!good) throw malformed;
  if (!LENGTHS.has(algorithm)) throw new Refused("unknown_algorithm");
  const signature = event.get(names.signature);
  if (typeof signature !== "string" || signature.length !== LENGTHS.get(algorithm) || !/^[0-9a-f]*$/.test(signature)) {
    throw new Refused("malformed_signature");
  }
  let before = "";
  for (const field of fields) {
    checkField(field, names);
    if (byBytes(before, field) >= 0) throw new Refused("unordered_fields");
    before = field;
  }
  return { algorithm, keyId, time: Number(time.text), fields, signature: Buffer.from(signature, "hex") };
}

function judge(event: Members, keys: Keys[], asked: Case, names: Names) {
  const { algorithm, keyId, time, fields, signature } = attestationOf(event, names);
  const key = keys.find((key) => key.id === keyId);
  if (!key) throw new Refused("unknown_key");
  if (key.algorithm !== algorithm) throw new Refused("wrong_algorithm");
  const [content, absent] = project(event, algorithm, keyId, time, fields);
  if (!verifies(key, content, signature)) throw new Refused("bad_signature");
  const { now, past = 300, future = 60, require = [] } = asked;
  if (!((key.not_before ?? -Infinity) <= now && now < (key.not_after ?? Infinity))) throw new Refused("expired_secret");
  if (now - time > past) throw new Refused("stale_timestamp");
  if (time - now > future) throw new Refused("future_timestamp");
  for (const wanted of [...require].sort(byBytes)) {
    const covers = (field: string) => wanted === field || wanted.startsWith(field + "/");
    if (!fields.some(covers)) throw new Refused("uncovered_field");
    if (find(event, wanted)[0] === undefined) throw new Refused("missing_field");
  }
  return { verified: true, algorithm, key_id: keyId, time, fields, absent };
}

function stamp(event: Members, keys: Keys[], asked: Case, names: Names) {
  const stripped = strip(event, names);
  const properties = [...new Set([...stripped.keys(), names.verdict])].sort(byBytes);
  return { verdict: orRefused(() => judge(stripped, keys, asked, names), (reason) => ({ verified: false, reason })), properties };
}

function orRefused(work: Work, refused: Tell) {
  try {
    return work();
  } catch (wrong) {
    if (wrong instanceof Refused) return refused(wrong.message);
    throw wrong;
  }
}

// ───────────── the vectors ─────────────

function bytesOf(one: Case) {
  if (one.event_hex) return Buffer.from(one.event_hex, "hex");
  return Buffer.from(one.fill ? one.event.replace("FILL", "x".repeat(one.fill)) : one.event);
}

function runSign(one: Case, keys: Ring) {
  const names = { ...NAMES, ...one.names };
  const come = orRefused(() => attest(read(bytesOf(one)), one.fields, keys[one.key], one.time, names), (refused) => ({ refused }));
  if (one.fill && come.content) come.content = come.content.replace("x".repeat(one.fill), "FILL");
  return come;
}

function runVerify(one: Case, keys: Ring) {
  const names = { ...NAMES, ...one.names };
  const held = one.keys.map((name: string) => keys[name]);
  const malformed = (reason: string) => ({ verdict: { verified: false, reason } });
  return orRefused(() => stamp(read(bytesOf(one)), held, one, names), malformed);
}

// The same whatever the order of members.
function same(one: any, other: any) {
  const sorted = (_: string, value: any) =>
    value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value;
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

const vectors = JSON.parse(readFileSync(new URL("attestation.vectors.json", import.meta.url), "utf8"));
const ring: Ring = vectors.keys;
const runs: Case = { sign: runSign, verify: runVerify };
const wrong = [];
for (const [name, key] of Object.entries(ring)) {
  if (key.public && key.id !== thumbprint(key.public)) wrong.push(`key ${name}: its id is no fingerprint of it`);
}
for (const [kind, run] of Object.entries(runs)) {
  for (const one of vectors[kind]) {
    for (const [member, value] of Object.entries(run(one, ring))) {
      if (!same(value, one[member])) {
        wrong.push(`${kind} ${one.name}: ${member}: ${JSON.stringify(value)}, and the file says ${JSON.stringify(one[member])}`);
      }
    }
  }
}
if (wrong.length || vectors.sign.length < 40 || vectors.verify.length < 100) {
  console.error(wrong.join("\n") || "the file has too few cases");
  process.exit(1);
}
console.log(`${vectors.sign.length + vectors.verify.length} cases of attestations are as they should be`);
