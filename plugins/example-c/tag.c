/* A third party's mode, complete, in one file of C: no library but libc, and nothing of countersign but its header.
 *
 *   cc -std=c99 -O2 -fPIC -shared -fvisibility=hidden \
 *      -I ../../crates/countersign-plugin/include -o libexample_c.so tag.c
 *
 * The scheme: HMAC-SHA256 over "{timestamp}.{body}", in lower-case hex in one header; the timestamp, ten digits, in
 * another. A preset says which headers. To make a mode of your own, copy this file and go through it from the top:
 * the mathematics, the table, making a handle, verifying, signing, the description. Nothing of a request is copied,
 * and all that is allocated is one handle for each key.
 */
#include <countersign.h>
#include <stdlib.h>
#include <string.h>

/* ---- The mathematics: SHA-256 (FIPS 180-4) and HMAC (RFC 2104). ---- */

struct sha256 {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[64];
};

static uint32_t rotated(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void sha256_block(struct sha256 *h) {
  static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    const uint8_t *b = h->block + 4 * i;
    w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    a = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3;
    b = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, h->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]), majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t one = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) + choice + k[i] + w[i];
    uint32_t two = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) + majority;
    memmove(s + 1, s, 7 * sizeof s[0]);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) h->state[i] += s[i];
}

static void sha256_add(struct sha256 *h, const uint8_t *bytes, size_t len) {
  while (len > 0) { /* `bytes` may be NULL when there are none */
    size_t at = (size_t)(h->length % 64), n = 64 - at < len ? 64 - at : len;
    memcpy(h->block + at, bytes, n);
    h->length += n;
    bytes += n;
    len -= n;
    if (at + n == 64) sha256_block(h);
  }
}

static const struct sha256 SHA256_START = {
  {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, 0, {0}};

static void sha256_end(struct sha256 *h, uint8_t digest[32]) {
  static const uint8_t padding[64] = {0x80};
  uint64_t bits = h->length * 8;
  uint8_t length[8];
  for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
  sha256_add(h, padding, (size_t)(64 - (h->length + 8) % 64));
  sha256_add(h, length, sizeof length);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
  cs_wipe(h, sizeof *h);
}

/* A key is kept as the two states that it leads to. They are as good as the key, and are wiped like it. */
struct hmac_key {
  struct sha256 inner, outer;
};

static void hmac_key_of(struct hmac_key *key, const uint8_t *secret, size_t len) {
  uint8_t block[64] = {0};
  key->inner = key->outer = SHA256_START;
  if (len <= sizeof block) {
    if (len > 0) memcpy(block, secret, len);
  } else {
    struct sha256 h = SHA256_START;
    sha256_add(&h, secret, len);
    sha256_end(&h, block);
  }
  for (int i = 0; i < 64; i++) block[i] ^= 0x36;
  sha256_add(&key->inner, block, sizeof block);
  for (int i = 0; i < 64; i++) block[i] ^= 0x36 ^ 0x5c;
  sha256_add(&key->outer, block, sizeof block);
  cs_wipe(block, sizeof block);
}

/* The tag of several pieces, one after the other. */
static void hmac_tag(const struct hmac_key *key, const cs_bytes *pieces, size_t count, uint8_t tag[32]) {
  struct sha256 h = key->inner;
  uint8_t digest[32];
  for (size_t i = 0; i < count; i++) sha256_add(&h, pieces[i].ptr, pieces[i].len);
  sha256_end(&h, digest);
  h = key->outer;
  sha256_add(&h, digest, sizeof digest);
  sha256_end(&h, tag);
}

static void to_hex(const uint8_t tag[32], uint8_t hex[64]) {
  for (int i = 0; i < 64; i++) hex[i] = (uint8_t)"0123456789abcdef"[tag[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

/* 64 digits of 0-9 and a-f, and nothing else: a second spelling would be a second signature of one message. */
static int from_hex(cs_bytes hex, uint8_t tag[32]) {
  if (hex.len != 64) return 0;
  for (size_t i = 0; i < 64; i++) {
    uint8_t c = hex.ptr[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return 0;
    tag[i / 2] = (uint8_t)(i % 2 ? tag[i / 2] | digit : digit << 4);
  }
  return 1;
}

/* What a module writes about itself is static; TEXT makes a view of a literal. */
#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* Whether a structure of the host's is there and goes as far as `last`, the last of its fields that is used. A host
 * may be older or newer than the header this was built with: a field is there if it ends within `struct_size`. */
#define HOLDS(type, s, last) ((s) != NULL && CS_HOLDS(type, s, last))

/* All of it or nothing, and in either case the room that it takes: what `sign` gives must never be cut short. */
static int put(cs_buf *buf, const void *bytes, size_t len) {
  if (len <= buf->cap && len > 0) memcpy(buf->ptr, bytes, len);
  buf->len = len;
  return len <= buf->cap;
}

#ifndef EXAMPLE_C_WITHOUT_ENTRY /* the tests' modules borrow the mathematics above, and bring a mode of their own */

/* ---- The table: {"header": "...", "timestamp_header": "..."}. ---- */

enum { SIGNATURE, TIMESTAMP, KEYS };

static const char *const KEY_NAMES[KEYS] = {"header", "timestamp_header"};

#define NAME_SIZE 64
struct name {
  char text[NAME_SIZE];
  size_t len;
};

struct reader {
  const uint8_t *at, *end;
};

static const cs_bytes HEADING = {NULL, 0}; /* the pointer to the table itself */

static cs_bytes text_of(const char *text) {
  cs_bytes bytes = {(const uint8_t *)text, strlen(text)};
  return bytes;
}

static int is(cs_bytes bytes, const char *text) {
  return bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0;
}

/* One line of complaint. `pointer` is a key of the table, in which "~" and "/" are written otherwise, or HEADING.
 * `says` is the message, perhaps with a tab and what to do; a "%" stands for `shown`. A line may be cut short. */
static void complain(cs_buf *errors, cs_bytes pointer, const char *says, cs_bytes shown) {
  if (pointer.len > 0) cs_append(errors, "/", 1);
  for (size_t i = 0; i < pointer.len; i++) {
    if (pointer.ptr[i] == '~') cs_append(errors, "~0", 2);
    else if (pointer.ptr[i] == '/') cs_append(errors, "~1", 2);
    else cs_append(errors, pointer.ptr + i, 1);
  }
  cs_append(errors, "\t", 1);
  for (; *says != 0; says++) {
    if (*says == '%') cs_append(errors, shown.ptr, shown.len);
    else cs_append(errors, says, 1);
  }
  cs_append(errors, "\n", 1);
}

static int take(struct reader *r, char c) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
  if (r->at == r->end || *r->at != (uint8_t)c) return 0;
  r->at++;
  return 1;
}

/* What stands between two quotes, escapes as they are written: no key here and no name of a header has one, and so a
 * text with one is complained of like any other that will not do. */
static int read_text(struct reader *r, cs_bytes *text) {
  if (!take(r, '"')) return 0;
  text->ptr = r->at;
  while (r->at < r->end && *r->at >= ' ' && *r->at != '"') r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
  text->len = (size_t)(r->at - text->ptr);
  return r->at < r->end && *r->at++ == '"';
}

/* Past a value that is no text: its kind in words, or NULL if it is no JSON. Its inside is not judged. */
static const char *skip_value(struct reader *r) {
  const char *kind = take(r, '{') ? "a table" : take(r, '[') ? "an array" : NULL;
  const uint8_t *start = r->at;
  size_t depth = kind != NULL;
  cs_bytes inside;
  while (depth > 0) {
    if (r->at == r->end) return NULL;
    if (*r->at == '"') {
      if (!read_text(r, &inside)) return NULL;
      continue;
    }
    if (*r->at == '{' || *r->at == '[') depth++;
    if (*r->at == '}' || *r->at == ']') depth--;
    r->at++;
  }
  if (kind != NULL) return kind;
  while (r->at < r->end && *r->at != ',' && *r->at != '}') r->at++;
  if (r->at == start || memchr("-0123456789ntf", *start, 14) == NULL) return NULL;
  return *start == 't' || *start == 'f' ? "a boolean" : "a number";
}

/* A token of RFC 9110 without capitals: the host passes names in lower case, and no other is ever found. */
static int is_header_name(cs_bytes name) {
  static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
  size_t i = 0;
  while (i < name.len && memchr(allowed, name.ptr[i], sizeof allowed - 1) != NULL) i++;
  return i == name.len && name.len > 0 && name.len <= NAME_SIZE;
}

/* One key and its value: CS_OK, CS_BAD_CONFIG after a complaint, CS_INTERNAL if it is no JSON. */
static int32_t read_entry(struct reader *r, struct name names[KEYS], int seen[KEYS], cs_buf *errors) {
  cs_bytes key, value;
  const char *says = NULL, *kind = NULL;
  int i;
  if (!read_text(r, &key) || !take(r, ':')) return CS_INTERNAL;
  if (!read_text(r, &value)) {
    kind = skip_value(r);
    if (kind == NULL) return CS_INTERNAL;
    value = text_of(kind);
  }
  for (i = 0; i < KEYS && !is(key, KEY_NAMES[i]); i++) {}
  if (i == KEYS) {
    says = "unknown key `%`: this table takes `header` and `timestamp_header`\tremove it";
    value = key;
  } else if (seen[i]++) {
    says = "this key is here already\tremove one of the two";
  } else if (kind != NULL) {
    says = "this must be a text in quotes, but is %\twrite the name of a header";
  } else if (!is_header_name(value)) {
    says = "`%` is no name of a header\tat most 64 lower-case letters, digits and hyphens";
  } else {
    memcpy(names[i].text, value.ptr, value.len);
    names[i].len = value.len;
  }
  if (says == NULL) return CS_OK;
  complain(errors, key, says, value);
  return CS_BAD_CONFIG;
}

/* The whole table, and everything that is wrong with it, at once. */
static int32_t read_table(cs_bytes json, struct name names[KEYS], cs_buf *errors) {
  int32_t result = CS_OK;
  int seen[KEYS] = {0};
  if (json.len == 0) return CS_INTERNAL;
  struct reader r = {json.ptr, json.ptr + json.len};
  if (!take(&r, '{')) return CS_INTERNAL;
  if (!take(&r, '}')) {
    do {
      int32_t entry = read_entry(&r, names, seen, errors);
      if (entry == CS_INTERNAL) return entry;
      if (entry != CS_OK) result = entry;
    } while (take(&r, ','));
    if (!take(&r, '}')) return CS_INTERNAL;
  }
  for (int i = 0; i < KEYS; i++) {
    if (seen[i]) continue;
    complain(errors, HEADING, "the key `%` is missing\tgive it the name of a header", text_of(KEY_NAMES[i]));
    result = CS_BAD_CONFIG;
  }
  return result;
}

/* ---- A handle: one table and one key. Nothing in it changes before it is destroyed, so any thread may use it. ---- */

struct credential {
  struct name names[KEYS];
  struct hmac_key key;
};

/* The same for every table, and so the mode's own as well. */
#define NEEDS { CS_BODY_WHOLE, CS_KEY_SHARED, CS_CAN_SIGN, CS_BINDS_BODY | CS_BINDS_TIME }

/* What is named here is all that this mode is passed of a request's headers. All, or none: one that is left out is not passed. */
static void name_headers(const struct name names[KEYS], cs_compiled *out) {
  if (!HOLDS(cs_compiled, out, headers)) return; /* a host of ABI 1.0: it passes all */
  for (int i = 0; i < KEYS; i++) {
    if (cs_append(&out->headers, names[i].text, names[i].len) && cs_append(&out->headers, "\n", 1)) continue;
    out->headers.len = 0;
    return;
  }
}

static int32_t compile(const cs_setup *setup, cs_compiled *out) {
  static const cs_needs needs = NEEDS;
  struct name names[KEYS];
  if (!HOLDS(cs_setup, setup, part_count) || !HOLDS(cs_compiled, out, errors)) return CS_INTERNAL;
  int32_t status = read_table(setup->config_json, names, &out->errors);
  if (status != CS_OK) return status;
  out->needs = needs;
  name_headers(names, out);
  if (setup->purpose == CS_FOR_CHECK) return CS_OK;
  if (setup->purpose != CS_FOR_VERIFY && setup->purpose != CS_FOR_SIGN) return CS_UNSUPPORTED;
  const cs_secret_part *part = setup->part_count == 1 ? setup->parts : NULL;
  if (part == NULL || part->kind != CS_KEY_SHARED || part->value.len < 1 || part->value.len > 4096) {
    complain(&out->errors, HEADING, "the key must be one shared secret of 1 to 4096 bytes", HEADING);
    return CS_BAD_KEY;
  }
  struct credential *credential = (struct credential *)malloc(sizeof *credential);
  if (credential == NULL) return CS_INTERNAL;
  memcpy(credential->names, names, sizeof names);
  hmac_key_of(&credential->key, part->value.ptr, part->value.len);
  out->handle = credential;
  return CS_OK;
}

static void destroy(void *handle) {
  if (handle != NULL) cs_wipe(handle, sizeof(struct credential));
  free(handle);
}

/* ---- Verifying. ---- */

/* The rows of DETAILS, from 1. A row says under which refusal it comes: they must agree. */
enum { SIGNATURE_ABSENT = 1, SIGNATURE_DOUBLED, SIGNATURE_FORM, TIMESTAMP_ABSENT, TIMESTAMP_DOUBLED, TIMESTAMP_FORM };

static const cs_detail DETAILS[] = {
  {TEXT("example-c/signature-absent"), TEXT("its header is not there"), CS_MISSING_SIGNATURE, 0},
  {TEXT("example-c/signature-doubled"), TEXT("its header is there more than once"), CS_MALFORMED_SIGNATURE, 0},
  {TEXT("example-c/signature-form"), TEXT("a signature is 64 digits of 0-9 and a-f"), CS_MALFORMED_SIGNATURE, 0},
  {TEXT("example-c/timestamp-absent"), TEXT("its header is not there"), CS_MISSING_TIMESTAMP, 0},
  {TEXT("example-c/timestamp-doubled"), TEXT("its header is there more than once"), CS_MALFORMED_TIMESTAMP, 0},
  {TEXT("example-c/timestamp-form"), TEXT("a time is ten digits: the seconds since 1970"), CS_MALFORMED_TIMESTAMP, 0},
};

/* A refusal is an answer, and so the call has worked. The text for operators names the header. */
static int32_t refuse(cs_verdict *out, uint32_t outcome, const struct name *header) {
  out->outcome = outcome;
  cs_append(&out->detail_text, header->text, header->len);
  return CS_OK;
}

static int32_t refuse_row(cs_verdict *out, uint32_t row, const struct name *header) {
  out->detail_code = row;
  return refuse(out, DETAILS[row - 1].outcome, header);
}

/* Ten digits: other spellings of a time (a sign, a space, a fraction) are for whoever verifies another scheme. */
static int read_seconds(cs_bytes text, int64_t *seconds) {
  *seconds = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9' || i == 10) return 0;
    *seconds = *seconds * 10 + (text.ptr[i] - '0');
  }
  return text.len == 10;
}

/* The tag of "{timestamp}.{body}": the timestamp as the text that arrived. */
static void tag_of(const struct credential *credential, cs_bytes timestamp, cs_bytes body, uint8_t tag[32]) {
  const cs_bytes pieces[3] = {timestamp, TEXT("."), body};
  hmac_tag(&credential->key, pieces, 3, tag);
}

/* Whether the time is near and whether this came before is not asked here: only the host knows, and has a clock. */
static int32_t verify(void *handle, const cs_request *request, cs_verdict *out) {
  const struct credential *credential = (const struct credential *)handle;
  cs_bytes signature, timestamp;
  uint8_t given[32], tag[32];
  int64_t seconds;
  if (credential == NULL || !HOLDS(cs_request, request, body) || !HOLDS(cs_verdict, out, detail_text)) {
    return CS_INTERNAL;
  }
  const struct name *header = &credential->names[SIGNATURE], *time_header = &credential->names[TIMESTAMP];
  size_t found = cs_header_find(request, header->text, header->len, &signature);
  if (found == 0) return refuse_row(out, SIGNATURE_ABSENT, header);
  if (found > 1) return refuse_row(out, SIGNATURE_DOUBLED, header);
  if (!from_hex(signature, given)) return refuse_row(out, SIGNATURE_FORM, header);
  found = cs_header_find(request, time_header->text, time_header->len, &timestamp);
  if (found == 0) return refuse_row(out, TIMESTAMP_ABSENT, time_header);
  if (found > 1) return refuse_row(out, TIMESTAMP_DOUBLED, time_header);
  if (!read_seconds(timestamp, &seconds)) return refuse_row(out, TIMESTAMP_FORM, time_header);
  tag_of(credential, timestamp, request->body, tag);
  /* By its tag the host knows the message again, also under a key whose signature was taken out: so in every case. */
  if (!cs_fingerprint(out, CS_PRINT_TAG, tag, sizeof tag)) {
    out->fingerprints.len = CS_FINGERPRINT_SIZE;
    return CS_NO_SPACE;
  }
  if (!cs_equal(tag, given, sizeof tag)) return refuse(out, CS_BAD_SIGNATURE, header);
  out->binds = CS_BINDS_BODY | CS_BINDS_TIME;
  out->signed_at_ms = seconds * 1000;
  out->outcome = CS_VERIFIED;
  return CS_OK;
}

/* ---- Signing: the same, the other way round. ---- */

static int mark(cs_mark *mark, const struct name *header, const uint8_t *text, size_t len) {
  int name_fits = put(&mark->name, header->text, header->len), text_fits = put(&mark->text, text, len);
  mark->place = CS_IN_HEADER;
  mark->joined = 0; /* one signature, one header: a second would be refused */
  mark->joined_by.len = 0;
  return name_fits && text_fits;
}

static int32_t sign(void *handle, const cs_draft *draft, cs_signed *out) {
  const struct credential *credential = (const struct credential *)handle;
  uint8_t digits[10], tag[32], hex[64];
  const cs_bytes timestamp = {digits, sizeof digits};
  if (credential == NULL || !HOLDS(cs_draft, draft, at_ms) || !HOLDS(cs_signed, out, mark_count)) {
    return CS_INTERNAL;
  }
  int64_t seconds = draft->at_ms / 1000;
  if (draft->at_ms < 0 || seconds > 9999999999) {
    out->outcome = DETAILS[TIMESTAMP_FORM - 1].outcome;
    out->detail_code = TIMESTAMP_FORM;
    return CS_OK;
  }
  for (int i = 9; i >= 0; i--, seconds /= 10) digits[i] = (uint8_t)('0' + seconds % 10);
  tag_of(credential, timestamp, draft->body, tag);
  to_hex(tag, hex);
  /* How many there are, and how long each is that the host has a place for: it comes again with that much room. */
  out->mark_count = 2;
  int fits = out->mark_cap >= 2;
  if (out->mark_cap > 0) fits &= mark(&out->marks[0], &credential->names[TIMESTAMP], digits, sizeof digits);
  if (out->mark_cap > 1) fits &= mark(&out->marks[1], &credential->names[SIGNATURE], hex, sizeof hex);
  return fits ? CS_OK : CS_NO_SPACE;
}

/* ---- What this module brings. All of it is constant: nothing here is written after it is loaded. ---- */

/* The same texts are in example-c.toml and example-c.vectors.toml, for those who only read. */
#define PRESET \
  "schema = 1\nname = \"example-c\"\ntitle = \"An example of a third party's mode, in C\"\n" \
  "mode = \"example-c\"\n" \
  "\n[example-c]\nheader = \"x-example-signature\"\ntimestamp_header = \"x-example-timestamp\"\n"

#define VECTORS \
  "schema = 1\npreset = \"example-c\"\n" \
  "\n[[case]]\nname = \"written\"\nsource = \"generated\"\norigin = \"Python's hmac module\"\n" \
  "secrets = [{ id = \"main\", value = \"made-up-secret-of-example-c\" }]\nnow = 1767225605\n" \
  "headers = [[\"X-Example-Timestamp\", \"1767225600\"], [\"X-Example-Signature\", \"e802b882b663b1d0bf166c1606e7d5e85bd2b36a70d4888edf98e2801f37a163\"]]\n" \
  "body = '{\"type\":\"note.written\",\"text\":\"hello\"}'\nexpect = \"ok\"\nbinds = [\"body\", \"time\"]\n" \
  "\n[[case]]\nname = \"not-text\"\nsource = \"generated\"\norigin = \"Python's hmac module\"\n" \
  "secrets = [{ id = \"main\", value = \"a-secret-longer-than-the-block-of-sha256-is-hashed-first-0123456789-abcdef\" }]\n" \
  "now = 1767225605\n" \
  "headers = [[\"X-Example-Timestamp\", \"1767225601\"], [\"X-Example-Signature\", \"073d3638cbe22d65106c12347f699d86c112704c96d133fecc8131d13354a90e\"]]\n" \
  "body_base64 = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7//4NCgAu\"\n" \
  "expect = \"ok\"\nwhy = \"a body may hold NUL, and a key longer than a block is hashed first\"\n" \
  "\n[[case]]\nname = \"another-body\"\nlike = \"written\"\nsource = \"generated\"\n" \
  "body = '{\"type\":\"note.written\",\"text\":\"hello \"}'\nexpect = \"bad_signature\"\n" \
  "\n[[case]]\nname = \"another-time\"\nlike = \"written\"\nsource = \"generated\"\n" \
  "set_headers = [[\"X-Example-Timestamp\", \"1767225601\"]]\nexpect = \"bad_signature\"\n" \
  "\n[[case]]\nname = \"no-signature\"\nlike = \"written\"\nsource = \"generated\"\n" \
  "remove_headers = [\"X-Example-Signature\"]\nexpect = \"missing_signature\"\n" \
  "\n[[case]]\nname = \"two-signatures\"\nlike = \"written\"\nsource = \"generated\"\n" \
  "origin = \"Python's hmac module\"\n" \
  "add_headers = [[\"X-Example-Signature\", \"e01653760fb259224a2e54667afae4ed64f3c97b899fcfff1ce33971f0052543\"]]\n" \
  "expect = \"malformed_signature\"\n" \
  "why = \"two readers may take two different ones of them, so neither is taken\"\n" \
  "\n[[case]]\nname = \"upper-case\"\nlike = \"written\"\nsource = \"generated\"\n" \
  "set_headers = [[\"X-Example-Signature\", \"E802B882B663B1D0BF166C1606E7D5E85BD2B36A70D4888EDF98E2801F37A163\"]]\n" \
  "expect = \"malformed_signature\"\nwhy = \"one message has one spelling\"\n" \
  "\n[[case]]\nname = \"time-with-a-sign\"\nlike = \"written\"\nsource = \"generated\"\n" \
  "origin = \"Python's hmac module\"\n" \
  "set_headers = [[\"X-Example-Timestamp\", \"+176722560\"], [\"X-Example-Signature\", \"0e99443bd75450d41109689b8d7201ddf3362c0dd9aefbfcecbd8ef0b85cd00d\"]]\n" \
  "expect = \"malformed_timestamp\"\nwhy = \"ten characters are not ten digits, however they are signed\"\n"

#define SCHEMA \
  "{\"type\": \"object\", \"required\": [\"header\", \"timestamp_header\"], \"additionalProperties\": false, " \
  "\"properties\": {\"header\": {\"type\": \"string\"}, \"timestamp_header\": {\"type\": \"string\"}}}"

#define EXAMPLE \
  "header = \"x-example-signature\"\n" \
  "timestamp_header = \"x-example-timestamp\"\n"

static const cs_mode MODE = {
  sizeof(cs_mode), TEXT("example-c"), TEXT("HMAC-SHA256 of time and body, in hex"), TEXT(SCHEMA), TEXT(EXAMPLE),
  DETAILS, sizeof DETAILS / sizeof DETAILS[0], 0, 0, NEEDS, compile, verify, sign, destroy,
};

static const cs_mode *const MODES[] = {&MODE};

static const cs_preset PRESETS[] = {{TEXT("example-c"), TEXT(PRESET), TEXT(VECTORS)}};

/* C has no panics: nothing can unwind into the host. */
static const cs_plugin PLUGIN = {
  CS_ABI_MAGIC, CS_ABI_MAJOR, CS_ABI_MINOR, 0, CS_NO_UNWIND, sizeof(cs_plugin), TEXT("example-c"), TEXT("1.0.0"),
  MODES, sizeof MODES / sizeof MODES[0], PRESETS, sizeof PRESETS / sizeof PRESETS[0],
};

/* The only export. */
const cs_plugin *countersign_plugin_v1(void) { return &PLUGIN; }

#endif
