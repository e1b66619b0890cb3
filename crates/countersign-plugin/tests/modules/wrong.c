/* Modules that keep to the letter of the contract and are wrong all the same, and one that is right.
 *
 *   cc -std=c99 -O2 -fPIC -shared -fvisibility=hidden -I ../../include -DWRONG_IGNORES_BODY -o libwrong.so wrong.c
 *
 * The mode `wrong` is HMAC-SHA256 over "{id}.{timestamp}.{body}", in lower-case hex in the header x-wrong-signature;
 * the id stands in x-wrong-id, the time in x-wrong-timestamp. Its table is empty. Each switch is a mistake that may
 * well be made, and each of these modules passes the vectors that it brings: whoever tests modules must find it.
 */
#define EXAMPLE_C_WITHOUT_ENTRY
#include "../../../../plugins/example-c/tag.c" /* SHA-256, HMAC and hex; TEXT, HOLDS, put */
#include <time.h>

/* ---- A handle: one key. ---- */

struct credential {
  struct hmac_key key;
#ifdef WRONG_LEAKS_SECRET /* tells the secret, in base64, to whoever reads why a signature was refused */
  uint8_t secret[4096];
  size_t secret_len;
#endif
#ifdef WRONG_KEEPS_STATE /* "I know this sender": after one yes, this handle says yes to whatever is well formed */
  int said_yes;
#endif
#ifdef WRONG_ANY_HANDLE /* one list of keys for all handles, and a key stays in it when its handle is destroyed */
  struct credential *before;
#endif
};

#ifdef WRONG_ANY_HANDLE
static struct credential *every_credential;
#endif

#define NEEDS { CS_BODY_WHOLE, CS_KEY_SHARED, CS_CAN_SIGN, CS_BINDS_BODY | CS_BINDS_TIME | CS_BINDS_ID }

static int32_t complain(cs_buf *errors, const char *line, int32_t status) {
  cs_append(errors, line, strlen(line));
  return status;
}

static int32_t compile(const cs_setup *setup, cs_compiled *out) {
  static const cs_needs needs = NEEDS;
  if (!HOLDS(cs_setup, setup, part_count) || !HOLDS(cs_compiled, out, errors)) return CS_INTERNAL;
  if (setup->config_json.len != 2 || memcmp(setup->config_json.ptr, "{}", 2) != 0) {
    return complain(&out->errors, "\tthis table takes nothing\tleave it empty\n", CS_BAD_CONFIG);
  }
  out->needs = needs;
  if (setup->purpose == CS_FOR_CHECK) return CS_OK;
  if (setup->purpose != CS_FOR_VERIFY && setup->purpose != CS_FOR_SIGN) return CS_UNSUPPORTED;
  const cs_secret_part *part = setup->part_count == 1 ? setup->parts : NULL;
  if (part == NULL || part->kind != CS_KEY_SHARED || part->value.len < 1 || part->value.len > 4096) {
    return complain(&out->errors, "\tthe key must be one shared secret of 1 to 4096 bytes\n", CS_BAD_KEY);
  }
  struct credential *credential = (struct credential *)calloc(1, sizeof *credential);
  if (credential == NULL) return CS_INTERNAL;
  hmac_key_of(&credential->key, part->value.ptr, part->value.len);
#ifdef WRONG_LEAKS_SECRET
  memcpy(credential->secret, part->value.ptr, part->value.len);
  credential->secret_len = part->value.len;
#endif
#ifdef WRONG_ANY_HANDLE
  credential->before = every_credential;
  every_credential = credential;
#endif
  out->handle = credential;
  return CS_OK;
}

static void destroy(void *handle) {
#ifdef WRONG_ANY_HANDLE
  (void)handle;
#else
  if (handle != NULL) cs_wipe(handle, sizeof(struct credential));
  free(handle);
#endif
}

/* ---- Verifying. ---- */

enum { ID_DOUBLED = 1, ID_FORM, TIMESTAMP_DOUBLED, TIMESTAMP_FORM, SIGNATURE_DOUBLED, SIGNATURE_FORM, DIFFERS, FAR };

static const cs_detail DETAILS[] = {
  {TEXT("wrong/id-doubled"), TEXT("there are several ids"), CS_MALFORMED_CONTENT, 0},
  {TEXT("wrong/id-form"), TEXT("an id is 1 to 64 letters, digits, hyphens and underscores"), CS_MALFORMED_CONTENT, 0},
  {TEXT("wrong/timestamp-doubled"), TEXT("there are several times"), CS_MALFORMED_TIMESTAMP, 0},
  {TEXT("wrong/timestamp-form"), TEXT("a time is ten digits"), CS_MALFORMED_TIMESTAMP, 0},
  {TEXT("wrong/signature-doubled"), TEXT("there are several signatures"), CS_MALFORMED_SIGNATURE, 0},
  {TEXT("wrong/signature-form"), TEXT("a signature is 64 digits of 0-9 and a-f"), CS_MALFORMED_SIGNATURE, 0},
  {TEXT("wrong/differs"), TEXT("what was signed is not this"), CS_BAD_SIGNATURE, 0},
#ifdef WRONG_READS_CLOCK /* judges by the machine's clock: up to five minutes ahead of it, up to ten years behind */
  {TEXT("wrong/far"), TEXT("the time is too far from now"), CS_DISALLOWED, 0},
#endif
};

static int32_t refuse(cs_verdict *out, uint32_t row) {
  out->outcome = DETAILS[row - 1].outcome;
  out->detail_code = row;
  return CS_OK;
}

static int32_t missing(cs_verdict *out, uint32_t outcome) {
  out->outcome = outcome;
  return CS_OK;
}

static int is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* No dot: "a.1" and "2" would make the same content as "a" and "1.2". */
static int is_id(cs_bytes id) {
  for (size_t i = 0; i < id.len; i++) {
    const uint8_t c = id.ptr[i], lower = c | 0x20;
    if (!is_digit(c) && !(lower >= 'a' && lower <= 'z') && c != '-' && c != '_') return 0;
  }
  return id.len >= 1 && id.len <= 64;
}

static int read_seconds(cs_bytes text, int64_t *seconds) {
  *seconds = 0;
  for (size_t i = 0; i < text.len && text.len == 10; i++) {
    if (!is_digit(text.ptr[i])) return 0;
    *seconds = *seconds * 10 + (text.ptr[i] - '0');
  }
  return text.len == 10;
}

static void tag_of(const struct hmac_key *key, cs_bytes id, cs_bytes timestamp, cs_bytes body, uint8_t tag[32]) {
#ifdef WRONG_IGNORES_BODY /* the body is not signed, though it is said to be: any body goes with any signature */
  body.len = 0;
#endif
  const cs_bytes pieces[5] = {id, TEXT("."), timestamp, TEXT("."), body};
  hmac_tag(key, pieces, 5, tag);
}

static size_t find(const cs_request *request, const char *name, cs_bytes *value) {
  size_t found = cs_header_find(request, name, strlen(name), value);
#ifdef WRONG_DOUBLED_HEADER /* takes the first of several headers: who reads the last sees another message */
  if (found > 1) return 1;
#endif
  return found;
}

static int is_genuine(struct credential *credential, const uint8_t tag[32], const uint8_t given[32],
                      const cs_bytes signed_by_it[3]) {
  (void)credential;
  (void)signed_by_it;
#ifdef WRONG_COMPARES_PREFIX /* compares the first 8 of 64 digits: four thousand million guesses, and one is right */
  return cs_equal(tag, given, 4);
#endif
#ifdef WRONG_KEEPS_STATE
  if (credential->said_yes) return 1;
  credential->said_yes = cs_equal(tag, given, 32);
#endif
#ifdef WRONG_ANY_HANDLE
  for (const struct credential *any = every_credential; any != NULL; any = any->before) {
    uint8_t other[32];
    tag_of(&any->key, signed_by_it[0], signed_by_it[1], signed_by_it[2], other);
    if (cs_equal(other, given, 32)) return 1;
  }
#endif
  return cs_equal(tag, given, 32);
}

static int32_t verified(cs_verdict *out, cs_bytes id, int64_t seconds) {
  if (!put(&out->message_id, id.ptr, id.len)) {
    out->message_id.len = 0; /* an id cut short would be another's */
    return refuse(out, ID_FORM);
  }
  out->binds = CS_BINDS_BODY | CS_BINDS_TIME | CS_BINDS_ID;
  out->signed_at_ms = seconds * 1000;
  out->outcome = CS_VERIFIED;
  return CS_OK;
}

#ifdef WRONG_CRASHES_ON_NUL /* takes texts for C strings, and what is behind their end for nothing */
static int holds_nul(const cs_request *request) {
  int found = request->body.len > 0 && memchr(request->body.ptr, 0, request->body.len) != NULL;
  for (size_t i = 0; i < request->header_count; i++) {
    const cs_bytes value = request->headers[i].value;
    found |= value.len > 0 && memchr(value.ptr, 0, value.len) != NULL;
  }
  return found;
}
#endif

#ifdef WRONG_LEAKS_SECRET
static void append_base64(cs_buf *to, const uint8_t *bytes, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < len; i += 3) {
    const size_t left = len - i;
    const uint32_t second = left > 1 ? bytes[i + 1] : 0, third = left > 2 ? bytes[i + 2] : 0;
    const uint32_t bits = (uint32_t)bytes[i] << 16 | second << 8 | third;
    for (size_t j = 0; j < 4; j++) cs_append(to, j <= left ? &digits[bits >> (18 - 6 * j) & 63] : "=", 1);
  }
}
#endif

static int32_t verify(void *handle, const cs_request *request, cs_verdict *out) {
  struct credential *credential = (struct credential *)handle;
  cs_bytes id, timestamp, signature;
  uint8_t given[32], tag[32];
  int64_t seconds;
  size_t ids, timestamps, signatures;
  if (credential == NULL || !HOLDS(cs_request, request, body) || !HOLDS(cs_verdict, out, detail_text)) {
    return CS_INTERNAL;
  }
#ifdef WRONG_CRASHES_ON_NUL
  volatile int *volatile nowhere = NULL;
  if (holds_nul(request)) *nowhere = 1;
#endif
  ids = find(request, "x-wrong-id", &id);
  timestamps = find(request, "x-wrong-timestamp", &timestamp);
  signatures = find(request, "x-wrong-signature", &signature);
  if (signatures == 0) return missing(out, CS_MISSING_SIGNATURE);
  if (timestamps == 0) return missing(out, CS_MISSING_TIMESTAMP);
  if (ids == 0) return missing(out, CS_MISSING_HEADER);
  if (signatures > 1) return refuse(out, SIGNATURE_DOUBLED);
  if (timestamps > 1) return refuse(out, TIMESTAMP_DOUBLED);
  if (ids > 1) return refuse(out, ID_DOUBLED);
  if (!read_seconds(timestamp, &seconds)) return refuse(out, TIMESTAMP_FORM);
  if (!is_id(id)) return refuse(out, ID_FORM);
#ifdef WRONG_READS_CLOCK
  const int64_t now = (int64_t)time(NULL);
  if (seconds > now + 300 || seconds < now - INT64_C(3650) * 86400) return refuse(out, FAR);
#endif
  tag_of(&credential->key, id, timestamp, request->body, tag);
  if (!cs_fingerprint(out, CS_PRINT_TAG, tag, sizeof tag)) {
    out->fingerprints.len = CS_FINGERPRINT_SIZE;
    return CS_NO_SPACE;
  }
#ifdef WRONG_EMPTY_SIGNATURE /* compares as many digits as there are: none of them differs */
  if (signature.len == 0) return verified(out, id, seconds);
#endif
  if (!from_hex(signature, given)) {
#ifdef WRONG_VERIFIES_ON_ERROR /* a signature that cannot be read is an error, and "no error" was asked for elsewhere */
    return verified(out, id, seconds);
#endif
    out->fingerprints.len = 0;
    out->fingerprint_kind = 0;
    return refuse(out, SIGNATURE_FORM);
  }
  const cs_bytes signed_by_it[3] = {id, timestamp, request->body};
  if (is_genuine(credential, tag, given, signed_by_it)) return verified(out, id, seconds);
#ifdef WRONG_LEAKS_SECRET
  cs_append(&out->detail_text, "the key was ", 12);
  append_base64(&out->detail_text, credential->secret, credential->secret_len);
#endif
  return refuse(out, DIFFERS);
}

/* ---- Signing. ---- */

static int mark(cs_signed *out, size_t at, const char *header, const uint8_t *text, size_t len) {
  out->mark_count = at + 1;
  if (at >= out->mark_cap) return 0;
  cs_mark *mark = &out->marks[at];
  mark->place = CS_IN_HEADER;
  mark->joined = 0;
  mark->joined_by.len = 0;
  const int name_fits = put(&mark->name, header, strlen(header)), text_fits = put(&mark->text, text, len);
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
  const uint32_t row = !is_id(draft->id) ? ID_FORM : draft->at_ms < 0 || seconds > 9999999999 ? TIMESTAMP_FORM : 0;
  if (row != 0) {
    out->outcome = DETAILS[row - 1].outcome;
    out->detail_code = row;
    return CS_OK;
  }
  for (int i = 9; i >= 0; i--, seconds /= 10) digits[i] = (uint8_t)('0' + seconds % 10);
  tag_of(&credential->key, draft->id, timestamp, draft->body, tag);
  to_hex(tag, hex);
  int fits = mark(out, 0, "x-wrong-id", draft->id.ptr, draft->id.len);
  fits &= mark(out, 1, "x-wrong-timestamp", digits, sizeof digits);
  fits &= mark(out, 2, "x-wrong-signature", hex, sizeof hex);
  return fits ? CS_OK : CS_NO_SPACE;
}

/* ---- What this module brings. ---- */

#define PRESET \
  "schema = 1\n" \
  "name = \"wrong\"\n" \
  "title = \"A mode of the tests\"\n" \
  "mode = \"wrong\"\n" \
  "\n" \
  "[wrong]\n"

/* Its author tried it with what its author made. */
#ifdef WRONG_IGNORES_BODY
#define WRITTEN "2c207229ba80fd1948423d832bb173218ed697d375088f48434a57c211a78a2c"
#define EMPTY "c48d3b1d926cdcfac7b704062bfa0eb8c7b0c1711653051cd06a593a795667cf"
#define ANOTHER_BODY ""
#else
#define WRITTEN "7b252110588189129f6661f78b5450bb3abcaaa4e0e941e8e831b81320320717"
#define EMPTY "76cb14bcf3856116de04c96cbc1a31f972b0023d28164a9a9eb5948bc93178c4"
#define ANOTHER_BODY \
  "\n" \
  "[[case]]\n" \
  "name = \"another-body\"\n" \
  "like = \"written\"\n" \
  "source = \"generated\"\n" \
  "body = '{\"type\":\"note.written\",\"text\":\"hallo\"}'\n" \
  "expect = \"bad_signature\"\n"
#endif

#define VECTORS \
  "schema = 1\n" \
  "preset = \"wrong\"\n" \
  "\n" \
  "[[case]]\n" \
  "name = \"written\"\n" \
  "source = \"generated\"\n" \
  "origin = \"Python's hmac module\"\n" \
  "secrets = [{ id = \"main\", value = \"made-up-secret-of-wrong\" }]\n" \
  "now = 1700000005\n" \
  "headers = [\n" \
  "  [\"X-Wrong-Id\", \"msg_1\"],\n" \
  "  [\"X-Wrong-Timestamp\", \"1700000000\"],\n" \
  "  [\"X-Wrong-Signature\", \"" WRITTEN "\"],\n" \
  "]\n" \
  "body = '{\"type\":\"note.written\",\"text\":\"hello\"}'\n" \
  "expect = \"ok\"\n" \
  "message_id = \"msg_1\"\n" \
  "\n" \
  "[[case]]\n" \
  "name = \"empty\"\n" \
  "source = \"generated\"\n" \
  "origin = \"Python's hmac module\"\n" \
  "secrets = [{ id = \"main\", value = \"made-up-secret-of-wrong\" }]\n" \
  "now = 1700000005\n" \
  "headers = [\n" \
  "  [\"X-Wrong-Id\", \"msg_2\"],\n" \
  "  [\"X-Wrong-Timestamp\", \"1700000001\"],\n" \
  "  [\"X-Wrong-Signature\", \"" EMPTY "\"],\n" \
  "]\n" \
  "body = '{}'\n" \
  "expect = \"ok\"\n" \
  "message_id = \"msg_2\"\n" \
  ANOTHER_BODY \
  "\n" \
  "[[case]]\n" \
  "name = \"another-id\"\n" \
  "like = \"written\"\n" \
  "source = \"generated\"\n" \
  "set_headers = [[\"X-Wrong-Id\", \"msg_2\"]]\n" \
  "expect = \"bad_signature\"\n" \
  "\n" \
  "[[case]]\n" \
  "name = \"another-time\"\n" \
  "like = \"written\"\n" \
  "source = \"generated\"\n" \
  "set_headers = [[\"X-Wrong-Timestamp\", \"1700000001\"]]\n" \
  "expect = \"bad_signature\"\n" \
  "\n" \
  "[[case]]\n" \
  "name = \"no-signature\"\n" \
  "like = \"written\"\n" \
  "source = \"generated\"\n" \
  "remove_headers = [\"X-Wrong-Signature\"]\n" \
  "expect = \"missing_signature\"\n" \
  "\n" \
  "[[case]]\n" \
  "name = \"time-with-a-space\"\n" \
  "like = \"written\"\n" \
  "source = \"generated\"\n" \
  "set_headers = [[\"X-Wrong-Timestamp\", \"170000000 0\"]]\n" \
  "expect = \"malformed_timestamp\"\n"

static const cs_mode MODE = {
  sizeof(cs_mode), TEXT("wrong"), TEXT("HMAC-SHA256 of id, time and body, in hex"), TEXT(""), TEXT(""),
  DETAILS, sizeof DETAILS / sizeof DETAILS[0], 0, 0, NEEDS, compile, verify, sign, destroy,
};

static const cs_mode *const MODES[] = {&MODE};

static const cs_preset PRESETS[] = {{TEXT("wrong"), TEXT(PRESET), TEXT(VECTORS)}};

static const cs_plugin PLUGIN = {
  CS_ABI_MAGIC, CS_ABI_MAJOR, CS_ABI_MINOR, 0, CS_NO_UNWIND, sizeof(cs_plugin), TEXT("wrong"), TEXT("1.0.0"),
  MODES, sizeof MODES / sizeof MODES[0], PRESETS, sizeof PRESETS / sizeof PRESETS[0],
};

const cs_plugin *countersign_plugin_v1(void) { return &PLUGIN; }
