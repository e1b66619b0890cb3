/* Modules that break the contract, each in one way, and one that keeps it.
 *
 *   cc -std=c99 -O2 -fPIC -shared -fvisibility=hidden -I ../../include -DBROKEN_MAGIC -o libbroken.so broken.c
 *
 * Without a switch it is a good module. Its mode `probe` is HMAC-SHA256 of the body, in lower-case hex in the header
 * x-probe; its table is empty or has one text, `mode`, of lower-case letters. With one switch it is the same but for
 * what is said beside the switch. "Always" is with every request, "a yes" only where the good module verifies.
 */
#define _POSIX_C_SOURCE 200809L
#define EXAMPLE_C_WITHOUT_ENTRY
#ifdef BROKEN_NO_ENTRY /* a shared library like any other: it exports something else */
#define countersign_plugin_v1 countersign_test_other
#endif
#ifdef BROKEN_ONLY_V2 /* built for the next major, and for no other */
#define countersign_plugin_v1 countersign_plugin_v2
#endif
#include "../../../../plugins/example-c/tag.c" /* SHA-256, HMAC and hex; TEXT, HOLDS, put */
#include <stdio.h>
#include <time.h>

#if defined BROKEN_WANTS_ONE || defined BROKEN_WANTS_TWO || defined BROKEN_WANTS_FOR_EVER || defined BROKEN_WANTS_SAME \
  || defined BROKEN_WANTS_1MB || defined BROKEN_WANTS_HTTP || defined BROKEN_WANTS_OTHER_HOST \
  || defined BROKEN_WANTS_NAMED || defined BROKEN_WANTS_LINES || defined BROKEN_WANT_KIND_9
#define WANTS /* these take no key from the operator: the key is what was fetched */
#endif

#ifdef BROKEN_MINOR_2 /* nothing is broken: built for ABI 1.2, in which every structure has one field more */
typedef struct { cs_setup known; uint64_t appended; } setup_1_2;
typedef struct { cs_compiled known; uint64_t appended; } compiled_1_2;
typedef struct { cs_request known; uint64_t appended; } request_1_2;
typedef struct { cs_verdict known; uint64_t appended; } verdict_1_2;
typedef struct { cs_draft known; uint64_t appended; } draft_1_2;
typedef struct { cs_signed known; uint64_t appended; } signed_1_2;
typedef struct { cs_mode known; uint64_t appended; } mode_1_2;
typedef struct { cs_plugin known; uint64_t appended; } plugin_1_2;
/* A 1.2 host gets back what it wrote into the new field; a 1.1 host has none, and is seen by its sizes. */
#define ANSWER_1_2(in_type, in, out_type, out) \
  do { \
    if ((in)->struct_size >= sizeof(in_type) && (out)->struct_size >= sizeof(out_type)) \
      ((out_type *)(out))->appended = ((const in_type *)(in))->appended; \
  } while (0)
#else
#define ANSWER_1_2(in_type, in, out_type, out) ((void)0)
#endif

/* ---- The good module: a handle. ---- */

struct probe {
  struct hmac_key key;
  uint8_t secret[4096]; /* as given: some of the broken ones tell it */
  size_t secret_len;
  struct probe *before; /* BROKEN_TWO_KEYS: the handle that was made before this one */
  int inside;           /* BROKEN_WATCHES_DESTROY: how many calls are in this handle now */
};

#ifdef BROKEN_TWO_KEYS /* every handle knows the keys of all, and takes any of them; nothing is ever forgotten */
static struct probe *all_probes;
#endif

#define NEEDS { CS_BODY_WHOLE, CS_KEY_SHARED, CS_CAN_SIGN, CS_BINDS_BODY }

static int32_t complain(cs_buf *errors, const char *line, size_t len, int32_t status) {
  cs_append(errors, line, len);
  return status;
}
#define COMPLAIN(line, status) complain(&out->errors, line, sizeof(line) - 1, status)

static int32_t read_table(cs_bytes json, cs_compiled *out) {
  static const char start[] = "{\"mode\":\"";
  const size_t before = sizeof start - 1;
  if (json.len == 2 && memcmp(json.ptr, "{}", 2) == 0) return CS_OK;
  if (json.len < before + 2 || memcmp(json.ptr, start, before) != 0 || memcmp(json.ptr + json.len - 2, "\"}", 2) != 0)
    return COMPLAIN("\tthis table takes `mode`, a text, and nothing else\n", CS_BAD_CONFIG);
  for (size_t i = before; i < json.len - 2; i++)
    if (json.ptr[i] < 'a' || json.ptr[i] > 'z')
      return COMPLAIN("/mode\tthis must be lower-case letters\twrite `mode = \"plain\"`\n", CS_BAD_CONFIG);
  return CS_OK;
}

static int32_t compile(const cs_setup *setup, cs_compiled *out) {
  static const cs_needs needs = NEEDS;
  if (!HOLDS(cs_setup, setup, part_count) || !HOLDS(cs_compiled, out, errors)) return CS_INTERNAL;
  ANSWER_1_2(setup_1_2, setup, compiled_1_2, out);
#ifdef BROKEN_ERROR_TOO_LONG /* says that it has written 1000 bytes more than there was room for */
  while (cs_append(&out->errors, "x", 1)) {}
  out->errors.len = out->errors.cap + 1000;
  return CS_BAD_CONFIG;
#endif
#ifdef BROKEN_ERROR_POINTER_NOWHERE /* complains of something that the table does not have */
  return COMPLAIN("/no/where\tthis is nowhere\tlook elsewhere\n", CS_BAD_CONFIG);
#endif
#ifdef BROKEN_ERROR_CONTROL /* a complaint that steers a terminal, turns the line round and forges lines */
  return COMPLAIN("/mode\t\x1b[31mred\x1b[0m \xe2\x80\xae" "turned \x07\xff\r\ta help\twith a tab\x1b[2J\n\n"
                  "error: a forged line\n\x1b]0;title\x07 a line without a tab\n", CS_BAD_CONFIG);
#endif
  int32_t status = read_table(setup->config_json, out);
  if (status != CS_OK) return status;
  out->needs = needs;
#ifdef WANTS
  out->needs.keys = 0;
  out->needs.abilities = CS_MAY_WANT;
#endif
#ifdef BROKEN_SIGN_NULL
  out->needs.abilities = 0;
#endif
#ifdef BROKEN_BINDS_UNSEEN_BODY
  out->needs.body = CS_BODY_NOTHING;
#endif
#ifdef BROKEN_BINDS_UNSEEN_BODY_AT_YES
  out->needs.body = CS_BODY_NOTHING;
  out->needs.binds = 0;
#endif
#ifdef BROKEN_NEEDS_BEYOND /* this table takes keys of a kind that the mode does not */
  out->needs.keys |= CS_KEY_PUBLIC;
#endif
#ifdef BROKEN_BINDS_LESS /* this table binds less than the mode says that any does */
  out->needs.binds = 0;
#endif
#ifdef BROKEN_NAMES_NO_HEADER /* says that it looks at a header which there cannot be */
  if (HOLDS(cs_compiled, out, headers)) cs_append(&out->headers, "x-probe\nX Probe\n", 16);
#endif
#ifdef BROKEN_NAMES_LEN_BEYOND_CAP
  if (HOLDS(cs_compiled, out, headers)) out->headers.len = out->headers.cap + 1;
#endif
#ifdef BROKEN_NAMES_ITS_HEADER /* nothing is broken: it is passed no other */
  if (HOLDS(cs_compiled, out, headers)) cs_append(&out->headers, "x-probe\n", 8);
#endif
  if (setup->purpose == CS_FOR_CHECK) return CS_OK;
  if (setup->purpose != CS_FOR_VERIFY && setup->purpose != CS_FOR_SIGN) return CS_UNSUPPORTED;
  const cs_secret_part *part = setup->part_count == 1 ? setup->parts : NULL;
  const cs_bytes secret = part != NULL ? part->value : (cs_bytes)TEXT("");
#ifndef WANTS
  if (part == NULL || part->kind != CS_KEY_SHARED || secret.len < 1 || secret.len > 4096)
    return COMPLAIN("\tthe key must be one shared secret of 1 to 4096 bytes\n", CS_BAD_KEY);
#endif
  struct probe *probe = (struct probe *)calloc(1, sizeof *probe);
  if (probe == NULL) return CS_INTERNAL;
  hmac_key_of(&probe->key, secret.ptr, secret.len);
  while (probe->secret_len < secret.len && probe->secret_len < sizeof probe->secret) {
    probe->secret[probe->secret_len] = secret.ptr[probe->secret_len];
    probe->secret_len++;
  }
#ifdef BROKEN_TWO_KEYS
  probe->before = all_probes;
  all_probes = probe;
#endif
  out->handle = probe;
#ifdef BROKEN_COMPILE_OK_NULL_HANDLE /* it has worked, and there is nothing */
  free(probe);
  out->handle = NULL;
#endif
  return CS_OK;
}

static void destroy(void *handle) {
#ifdef BROKEN_WATCHES_DESTROY
  if (__atomic_load_n(&((struct probe *)handle)->inside, __ATOMIC_SEQ_CST) != 0) abort();
#endif
#ifndef BROKEN_TWO_KEYS
  if (handle != NULL) cs_wipe(handle, sizeof(struct probe));
  free(handle);
#else
  (void)handle;
#endif
}

/* ---- The good module: verifying. ---- */

enum { FORM = 1, DIFFERS };

static const cs_detail DETAILS[] = {
  {TEXT("probe/form"), TEXT("a signature is one header of 64 digits of 0-9 and a-f"), CS_MALFORMED_SIGNATURE, 0},
  {TEXT("probe/differs"), TEXT("the body gives another tag"), CS_BAD_SIGNATURE, 0},
};

static int32_t refuse(cs_verdict *out, uint32_t row) {
  out->outcome = DETAILS[row - 1].outcome;
  out->detail_code = row;
  cs_append(&out->detail_text, "x-probe", 7);
  return CS_OK;
}

static int32_t judge(const struct hmac_key *key, cs_bytes body, const cs_request *request, cs_verdict *out) {
  cs_bytes signature;
  uint8_t given[32], tag[32];
  size_t found = cs_header_find(request, "x-probe", 7, &signature);
  if (found == 0) {
    out->outcome = CS_MISSING_SIGNATURE;
    return CS_OK;
  }
  if (found > 1 || !from_hex(signature, given)) return refuse(out, FORM);
  hmac_tag(key, &body, 1, tag);
  if (!cs_fingerprint(out, CS_PRINT_TAG, tag, sizeof tag)) {
    out->fingerprints.len = CS_FINGERPRINT_SIZE;
    return CS_NO_SPACE;
  }
  if (!cs_equal(tag, given, sizeof tag)) return refuse(out, DIFFERS);
  out->binds = CS_BINDS_BODY;
  out->outcome = CS_VERIFIED;
  return CS_OK;
}

/* ---- What the broken ones do before they judge. ---- */

#ifdef BROKEN_UNRESOLVED /* calls a function that nobody has: found when it is loaded, or when it is called */
int countersign_test_nowhere(void);
#endif

#ifdef BROKEN_CONSTRUCTOR /* writes a file when it is loaded, before anybody has asked it anything */
__attribute__((constructor)) static void witness(void) {
  const char *path = getenv("COUNTERSIGN_TEST_WITNESS");
  FILE *file = path != NULL ? fopen(path, "w") : NULL;
  if (file == NULL) return;
  fputs("loaded\n", file);
  fclose(file);
}
#endif

#ifdef BROKEN_NOT_THREAD_SAFE /* says CS_SERIAL and means it: once two calls have met, it fails for ever after */
static volatile int calls_inside, calls_met;
#define ENTER() \
  do { \
    const struct timespec moment = {0, 100000}; \
    if (calls_inside != 0) calls_met = 1; \
    calls_inside = calls_inside + 1; \
    nanosleep(&moment, NULL); \
  } while (0)
#define LEAVE(status) (calls_inside = calls_inside - 1, calls_met ? CS_INTERNAL : (status))
#elif defined BROKEN_WATCHES_DESTROY /* nothing is broken: it takes 20 ms, and ends the process if destroyed meanwhile */
#define ENTER() \
  do { \
    const struct timespec moment = {0, 20000000}; \
    __atomic_add_fetch(&((struct probe *)handle)->inside, 1, __ATOMIC_SEQ_CST); \
    nanosleep(&moment, NULL); \
  } while (0)
#define LEAVE(status) (__atomic_sub_fetch(&((struct probe *)handle)->inside, 1, __ATOMIC_SEQ_CST), (status))
#else
#define ENTER() ((void)0)
#define LEAVE(status) (status)
#endif

static int body_is(const cs_request *request, const char *text) {
  return request->body.len == strlen(text) && memcmp(request->body.ptr, text, request->body.len) == 0;
}

static void before(const cs_request *request, cs_bytes *body) {
  (void)body;
  if (body_is(request, "boom")) {
#ifdef BROKEN_ABORT /* the body "boom" ends the process */
    abort();
#endif
#ifdef BROKEN_EXIT /* the body "boom" ends the process, politely */
    exit(7);
#endif
#ifdef BROKEN_SEGFAULT /* the body "boom" is written to address 0 */
    volatile uint8_t *volatile nowhere = NULL;
    *nowhere = 'b';
#endif
  }
#ifdef BROKEN_HANGS /* the body "hang" never gets an answer */
  const struct timespec moment = {0, 10000000};
  for (volatile int on = body_is(request, "hang"); on;) nanosleep(&moment, NULL);
#endif
#ifdef BROKEN_SLOW /* every answer takes COUNTERSIGN_TEST_SLEEP_MS milliseconds, 20 if that is not set */
  const char *set = getenv("COUNTERSIGN_TEST_SLEEP_MS");
  long ms = set != NULL ? strtol(set, NULL, 10) : 20;
  const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&pause, NULL);
#endif
#ifdef BROKEN_KEEPS_BODY_POINTER /* judges the body of the call before, which was the host's until that call returned */
  static cs_bytes kept;
  const cs_bytes now = *body;
  if (kept.ptr != NULL) *body = kept;
  kept = now;
#endif
#ifdef BROKEN_BINDS_UNSEEN_BODY_AT_YES /* a yes that covers the body, which was not asked for: it judges another */
  *body = (cs_bytes)TEXT("{\"type\":\"note.written\"}");
#endif
#ifdef BROKEN_UNRESOLVED
  if (countersign_test_nowhere()) *body = request->body;
#endif
}

#ifdef WANTS
#define URL_A "https://keys.example/a"
#define URL_B "https://keys.example/b"

static int want(cs_verdict *out, uint32_t kind, const char *name) {
  out->outcome = CS_NEED_MATERIAL;
  out->want_kind = kind;
  if (!put(&out->want, name, strlen(name))) out->outcome = CS_KEY_UNAVAILABLE;
  return 0;
}

/* 1: the material of that name is here, and is the key from now on. 0: it has been asked for. */
static int have(struct hmac_key *key, const cs_request *request, cs_verdict *out, uint32_t kind, const char *name) {
  for (size_t i = 0; i < request->material_count; i++) {
    const cs_material *material = &request->materials[i];
    if (material->kind != kind || material->name.len != strlen(name)) continue;
    if (memcmp(material->name.ptr, name, material->name.len) != 0) continue;
    hmac_key_of(key, material->value.ptr, material->value.len);
    return 1;
  }
  return want(out, kind, name);
}

static int have_key(struct hmac_key *key, const cs_request *request, cs_verdict *out) {
#if defined BROKEN_WANTS_ONE /* nothing is broken: one URL, and what is there is the key */
  return have(key, request, out, CS_WANT_URL, URL_A);
#elif defined BROKEN_WANTS_TWO /* nothing is broken: one URL after the other, and what is at the second is the key */
  return have(key, request, out, CS_WANT_URL, URL_A) && have(key, request, out, CS_WANT_URL, URL_B);
#elif defined BROKEN_WANTS_FOR_EVER /* whatever it is given, it wants another URL */
  static unsigned asked;
  char url[64];
  snprintf(url, sizeof url, "https://keys.example/%u", asked++);
  return have(key, request, out, CS_WANT_URL, url) && want(out, CS_WANT_URL, URL_A);
#elif defined BROKEN_WANTS_SAME /* wants one URL, and again when it has it */
  return have(key, request, out, CS_WANT_URL, URL_A) && want(out, CS_WANT_URL, URL_A);
#elif defined BROKEN_WANTS_1MB /* says that the URL it wants has a million bytes: far more than there was room for */
  if (have(key, request, out, CS_WANT_URL, URL_A)) return 1;
  out->want.len = 1 << 20;
  return 0;
#elif defined BROKEN_WANTS_HTTP /* wants a URL that anybody on the way can answer */
  return have(key, request, out, CS_WANT_URL, "http://keys.example/a");
#elif defined BROKEN_WANTS_OTHER_HOST /* wants a URL of a host that the operator has not allowed */
  return have(key, request, out, CS_WANT_URL, "https://other.example/a");
#elif defined BROKEN_WANTS_LINES /* wants a name that forges a line of a log */
  return have(key, request, out, CS_WANT_NAMED, "probe/key\nerror: a forged line");
#elif defined BROKEN_WANTS_NAMED /* nothing is broken: wants what the host knows by a name */
  return have(key, request, out, CS_WANT_NAMED, "probe/key");
#else /* BROKEN_WANT_KIND_9: wants something of a kind that there is not */
  return have(key, request, out, 9, URL_A);
#endif
}
#endif

/* ---- What the broken ones make of a verdict. ---- */

#if defined BROKEN_TEXT_SECRET_BASE64 || defined BROKEN_TEXT_SECRET_BASE64URL
static void append_base64(cs_buf *to, const uint8_t *bytes, size_t len, const char *last_two) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  for (size_t i = 0; i < len; i += 3) {
    const size_t left = len - i;
    const uint32_t second = left > 1 ? bytes[i + 1] : 0, third = left > 2 ? bytes[i + 2] : 0;
    const uint32_t bits = (uint32_t)bytes[i] << 16 | second << 8 | third;
    for (size_t j = 0; j < 4 && j <= left; j++) {
      const uint32_t digit = bits >> (18 - 6 * j) & 63;
      cs_append(to, digit < 62 ? &digits[digit] : &last_two[digit - 62], 1);
    }
  }
}
#endif

static void spoil_text(const struct probe *probe, cs_verdict *out) {
  (void)probe;
  (void)out;
#ifdef BROKEN_TEXT_CONTROL /* a text that steers a terminal, turns the line round and forges lines */
  static const char steering[] = "\x1b[31mred\x1b[0m\x00\x07\r\nerror: a forged line\n\xe2\x80\xae" "turned"
                                 "\xe2\x81\xa6\xe2\x80\x8b\xc2\x9b" "2J\x7f\xff\x1b]0;title\x07";
  out->detail_text.len = 0;
  cs_append(&out->detail_text, steering, sizeof steering - 1);
#endif
#ifdef BROKEN_TEXT_SECRET_RAW /* a text that tells the secret */
  cs_append(&out->detail_text, " key=", 5);
  cs_append(&out->detail_text, probe->secret, probe->secret_len);
#endif
#ifdef BROKEN_TEXT_SECRET_HEX /* a text that tells the secret, in hex */
  cs_append(&out->detail_text, " key=", 5);
  for (size_t i = 0; i < probe->secret_len; i++) {
    cs_append(&out->detail_text, &"0123456789abcdef"[probe->secret[i] >> 4], 1);
    cs_append(&out->detail_text, &"0123456789abcdef"[probe->secret[i] & 15], 1);
  }
#endif
#ifdef BROKEN_TEXT_SECRET_BASE64 /* a text that tells the secret, in base64 without padding */
  cs_append(&out->detail_text, " key=", 5);
  append_base64(&out->detail_text, probe->secret, probe->secret_len, "+/");
#endif
#ifdef BROKEN_TEXT_SECRET_BASE64URL /* a text that tells the secret, in base64url */
  cs_append(&out->detail_text, " key=", 5);
  append_base64(&out->detail_text, probe->secret, probe->secret_len, "-_");
#endif
}

static int32_t spoil_yes(cs_verdict *out) {
  (void)out;
#ifdef BROKEN_RETURNS_ONE /* a yes, returned as 1, as if that were true */
  return 1;
#endif
#ifdef BROKEN_VERIFIED_STATUS_PANIC /* a yes, and a panic */
  return CS_PANIC;
#endif
#ifdef BROKEN_NO_FINGERPRINT /* a yes to nothing that could be known again */
  out->fingerprint_kind = 0;
  out->fingerprints.len = 0;
#endif
#ifdef BROKEN_FINGERPRINT_ODD /* a yes with a fingerprint of 33 bytes */
  cs_append(&out->fingerprints, "x", 1);
  out->fingerprints.len = 33;
#endif
#ifdef BROKEN_FINGERPRINT_NO_KIND /* a yes with a fingerprint of no kind */
  out->fingerprint_kind = 0;
#endif
#ifdef BROKEN_UNBOUND_ID /* a yes with an id that nobody signed */
  put(&out->message_id, "msg_1", 5);
#endif
#ifdef BROKEN_UNBOUND_TIME /* a yes with a time that nobody signed */
  out->signed_at_ms = 1767225600000;
#endif
#ifdef BROKEN_BINDS_TOO_LITTLE_AT_VERIFY /* a yes that does not cover the body, as this table does by its own word */
  out->binds = 0;
#endif
#ifdef BROKEN_BINDS_UNKNOWN_BIT /* a yes that covers something that there is not */
  out->binds |= 64;
#endif
#ifdef BROKEN_ID_NOT_UTF8 /* a yes with a signed id that is no text */
  out->binds |= CS_BINDS_ID;
  put(&out->message_id, "msg\xff\xfe", 5);
#endif
#ifdef BROKEN_CAP_CHANGED_AT_YES /* a yes that says its fingerprints have more room than the host gave */
  out->fingerprints.cap += 32;
#endif
  return CS_OK;
}

/* Always. */
static int32_t spoil(cs_verdict *out) {
  (void)out;
#ifdef BROKEN_OUTCOME_UNSET /* it has worked, and there is no answer */
  out->outcome = 0;
#endif
#ifdef BROKEN_OUTCOME_ONE /* "true" */
  out->outcome = 1;
#endif
#ifdef BROKEN_OUTCOME_1006 /* no active secret: the core alone knows windows */
  out->outcome = 0x1006;
#endif
#ifdef BROKEN_OUTCOME_100C /* an expired secret: the core alone knows windows */
  out->outcome = 0x100C;
#endif
#ifdef BROKEN_OUTCOME_100F /* a stale time: the core alone judges it */
  out->outcome = 0x100F;
#endif
#ifdef BROKEN_OUTCOME_1010 /* a time in the future: the core alone judges it */
  out->outcome = 0x1010;
#endif
#ifdef BROKEN_OUTCOME_1011 /* a message that came before: the core alone remembers */
  out->outcome = 0x1011;
#endif
#ifdef BROKEN_OUTCOME_GARBAGE /* a number that stands for nothing */
  out->outcome = 0xDEADBEEF;
#endif
#ifdef BROKEN_DETAIL_FOREIGN /* a bad signature, with the detail of a malformed one */
  out->outcome = CS_BAD_SIGNATURE;
  out->detail_code = FORM;
#endif
#ifdef BROKEN_DETAIL_BEYOND /* a detail behind the last row */
  out->outcome = CS_BAD_SIGNATURE;
  out->detail_code = sizeof DETAILS / sizeof DETAILS[0] + 1;
#endif
#ifdef BROKEN_LEN_UNWRITTEN /* says that it has filled its text, and has written nothing */
  out->detail_code = 0;
  out->outcome = CS_BAD_SIGNATURE;
  out->detail_text.len = out->detail_text.cap;
#endif
#ifdef BROKEN_LEN_SIZE_MAX /* a text that is longer than memory */
  out->detail_text.len = SIZE_MAX;
#endif
#ifdef BROKEN_LEN_BEYOND_CAP /* a text that is a byte longer than there was room for */
  out->detail_text.len = out->detail_text.cap + 1;
#endif
#ifdef BROKEN_CAP_CHANGED /* says that the host gave more room than it did */
  out->detail_text.cap += 4096;
  out->detail_text.len = out->detail_text.cap;
#endif
#ifdef BROKEN_PTR_CHANGED /* shows the host other memory than its own */
  static uint8_t own[] = "memory of the module";
  out->detail_text.ptr = own;
  out->detail_text.len = sizeof own - 1;
#endif
#ifdef BROKEN_WRITES_PAST_CAP /* one byte behind the room for the text */
  if (out->detail_text.ptr != NULL) out->detail_text.ptr[out->detail_text.cap] = 'x';
#endif
#ifdef BROKEN_WRITES_PAST_STRUCT /* eight bytes behind the end of cs_verdict in 1.1, whatever struct_size says */
  volatile uint8_t *end = (volatile uint8_t *)out;
  for (size_t i = 0; i < 8; i++) end[sizeof(cs_verdict) + i] = 0xEE;
#endif
  return CS_OK;
}

static int32_t verify(void *handle, const cs_request *request, cs_verdict *out) {
  const struct probe *probe = (const struct probe *)handle;
  if (probe == NULL || !HOLDS(cs_request, request, material_count) || !HOLDS(cs_verdict, out, detail_text)) {
    return CS_INTERNAL;
  }
  ENTER();
  cs_bytes body = request->body;
  before(request, &body);
  ANSWER_1_2(request_1_2, request, verdict_1_2, out);
#ifdef WANTS
  struct hmac_key key;
  if (!have_key(&key, request, out)) return CS_OK;
  int32_t status = judge(&key, body, request, out);
  if (out->outcome == CS_VERIFIED) put(&out->key_id, "fetched", 7);
#else
  int32_t status = judge(&probe->key, body, request, out);
#endif
#ifdef BROKEN_TWO_KEYS
  const struct probe *other = all_probes;
  for (; other != NULL && out->outcome == CS_BAD_SIGNATURE; other = other->before) {
    out->detail_code = 0;
    out->fingerprints.len = out->detail_text.len = 0;
    status = judge(&other->key, body, request, out);
  }
#endif
  if (status == CS_OK && out->outcome == CS_BAD_SIGNATURE) spoil_text(probe, out);
  if (status == CS_OK && out->outcome == CS_VERIFIED) status = spoil_yes(out);
  if (status == CS_OK) status = spoil(out);
  return LEAVE(status);
}

/* ---- Signing. ---- */

static int32_t sign(void *handle, const cs_draft *draft, cs_signed *out) {
  const struct probe *probe = (const struct probe *)handle;
  uint8_t tag[32], hex[64];
  if (probe == NULL || !HOLDS(cs_draft, draft, at_ms) || !HOLDS(cs_signed, out, mark_count)) return CS_INTERNAL;
  ENTER();
  ANSWER_1_2(draft_1_2, draft, signed_1_2, out);
  hmac_tag(&probe->key, &draft->body, 1, tag);
  to_hex(tag, hex);
  int fits = out->mark_cap >= 1;
  out->mark_count = 1;
  if (fits) {
    cs_mark *mark = &out->marks[0];
    mark->place = CS_IN_HEADER;
    mark->joined = 0;
    mark->joined_by.len = 0;
    fits &= put(&mark->name, "x-probe", 7);
    fits &= put(&mark->text, hex, sizeof hex);
#ifdef BROKEN_SIGN_BAD_PLACE /* a mark where there is no place */
    mark->place = 9;
#endif
#ifdef BROKEN_SIGN_TWO_LINES /* a header, and another in the next line */
    fits &= put(&mark->text, "signed\r\nx-forged: yes", 22);
#endif
#ifdef BROKEN_SIGN_LEN_BEYOND_CAP /* it has worked, and a text is longer than there was room for */
    mark->text.len = mark->text.cap + 1;
    return CS_OK;
#endif
  }
#ifdef BROKEN_SIGN_WRITES_PAST_CAP /* one byte behind the room for the text */
  if (out->detail_text.ptr != NULL) out->detail_text.ptr[out->detail_text.cap] = 'x';
#endif
#ifdef BROKEN_SIGN_NO_SPACE_FOR_EVER /* whatever room there is, it wants one more of everything */
  for (size_t i = 0; i < out->mark_cap; i++) {
    out->marks[i].name.len = out->marks[i].name.cap + 1;
    out->marks[i].text.len = out->marks[i].text.cap + 1;
  }
  out->mark_count = out->mark_cap + 1;
  return CS_NO_SPACE;
#endif
#ifdef BROKEN_SIGN_MANY_MARKS /* it has worked, and there are more marks than there was room for */
  out->mark_count = out->mark_cap + 1000;
  return CS_OK;
#endif
#ifdef BROKEN_SIGN_WANTS_LONG_MARKS /* wants room for as many marks as there may be, each as long as one may be */
  for (size_t i = 0; i < out->mark_cap; i++) out->marks[i].text.len = 1 << 20;
  out->mark_count = 256;
  return CS_NO_SPACE;
#endif
#ifdef BROKEN_SIGN_WANTS_MANY_MARKS /* wants room for more marks than memory has */
  out->mark_count = SIZE_MAX / 2;
  return CS_NO_SPACE;
#endif
  return LEAVE(fits ? CS_OK : CS_NO_SPACE);
}

/* ---- What it says about itself. It is made when it is asked for, so that each mistake is one line here. ---- */

#define PRESET \
  "schema = 1\n" \
  "name = \"probe\"\n" \
  "title = \"A mode of the tests\"\n" \
  "mode = \"probe\"\n" \
  "\n" \
  "[freshness]\n" \
  "unsigned = \"ignored\"\n" \
  "\n" \
  "[probe]\n"

#ifdef BROKEN_MINOR_2
static mode_1_2 whole_mode;
static plugin_1_2 whole_plugin;
#define MODE whole_mode.known
#define PLUGIN whole_plugin.known
#else
static cs_mode whole_mode;
static cs_plugin whole_plugin;
#define MODE whole_mode
#define PLUGIN whole_plugin
#endif
static const cs_mode *modes[65];
static cs_preset presets[1025];

const cs_plugin *countersign_plugin_v1(void) {
  const cs_mode mode = {
    sizeof whole_mode, TEXT("probe"), TEXT("HMAC-SHA256 of the body"), TEXT("{\"type\": \"object\"}"), TEXT(""),
    DETAILS, sizeof DETAILS / sizeof DETAILS[0], 0, 0, NEEDS, compile, verify, sign, destroy,
  };
  const cs_preset preset = {TEXT("probe"), TEXT(PRESET), TEXT("")};
  const cs_plugin plugin = {
    CS_ABI_MAGIC, CS_ABI_MAJOR, CS_ABI_MINOR, 0, CS_NO_UNWIND, sizeof whole_plugin, TEXT("probe"), TEXT("1.0.0"),
    modes, 1, presets, 1,
  };
  const cs_plugin *answer = &PLUGIN;
  MODE = mode;
  PLUGIN = plugin;
  modes[0] = &MODE;
  presets[0] = preset;
#ifdef BROKEN_MINOR_2
  PLUGIN.abi_minor = 1;
#endif
#ifdef WANTS
  MODE.needs.abilities |= CS_MAY_WANT;
#endif
#ifdef BROKEN_NOT_THREAD_SAFE
  MODE.flags = CS_SERIAL;
#endif
#ifdef BROKEN_NULL_DESCRIPTOR /* there is an entry, and nothing behind it */
  answer = NULL;
#endif
#ifdef BROKEN_MAGIC /* not the first eight bytes that every descriptor has */
  PLUGIN.magic ^= 1;
#endif
#ifdef BROKEN_MAJOR_2 /* the entry of ABI 1, and the number of ABI 2 */
  PLUGIN.abi_major = 2;
#endif
#ifdef BROKEN_NEEDS_MINOR_9 /* needs a host that does not exist yet */
  PLUGIN.abi_minor = PLUGIN.abi_minor_needed = 9;
#endif
#ifdef BROKEN_PLUGIN_SIZE_8 /* a descriptor that ends behind its magic */
  PLUGIN.struct_size = 8;
#endif
#ifdef BROKEN_MODE_SIZE_8 /* a mode that ends behind its size */
  MODE.struct_size = 8;
#endif
#ifdef BROKEN_COMPILE_NULL /* no compile */
  MODE.compile = NULL;
#endif
#ifdef BROKEN_VERIFY_NULL /* no verify */
  MODE.verify = NULL;
#endif
#ifdef BROKEN_DESTROY_NULL /* no destroy */
  MODE.destroy = NULL;
#endif
#ifdef BROKEN_SIGN_NULL /* nothing is broken: a mode that cannot sign, and says so */
  MODE.sign = NULL;
  MODE.needs.abilities &= ~(uint32_t)CS_CAN_SIGN;
#endif
#ifdef BROKEN_NAME_OF_MODULE /* a name that ends before it ends */
  PLUGIN.name = (cs_bytes)TEXT("pro\0be");
#endif
#ifdef BROKEN_SUMMARY_LINES /* a summary that forges a line */
  MODE.summary = (cs_bytes)TEXT("HMAC\nerror: a forged line");
#endif
#ifdef BROKEN_BINDS_UNSEEN_BODY /* binds the body, and does not ask for it */
  MODE.needs.body = CS_BODY_NOTHING;
#endif
#ifdef BROKEN_BINDS_UNSEEN_BODY_AT_YES
  MODE.needs.body = CS_BODY_NOTHING;
  MODE.needs.binds = 0;
#endif
#ifdef BROKEN_NAME_SPACES /* a name that is none */
  MODE.name = (cs_bytes)TEXT("Bad Name!");
#endif
#ifdef BROKEN_NAME_CYRILLIC /* looks like a name: its first letter is Cyrillic */
  MODE.name = (cs_bytes)TEXT("\xd1\x80" "robe");
#endif
#ifdef BROKEN_NAME_HMAC /* the name of a mode that is built in */
  MODE.name = (cs_bytes)TEXT("hmac");
#endif
#ifdef BROKEN_NAME_TWICE /* two modes of one name */
  modes[1] = &MODE;
  PLUGIN.mode_count = 2;
#endif
#ifdef BROKEN_MODES_65 /* one mode more than a module may bring, each of a name of its own */
  static cs_mode many[65];
  static char mode_names[65][16];
  for (int i = 0; i < 65; i++) {
    many[i] = MODE;
    many[i].name.len = (size_t)snprintf(mode_names[i], sizeof mode_names[i], "probe-%d", i);
    many[i].name.ptr = (const uint8_t *)mode_names[i];
    modes[i] = &many[i];
  }
  PLUGIN.mode_count = 65;
#endif
#ifdef BROKEN_MODE_NULL_IN_TABLE /* the second mode is not there */
  PLUGIN.mode_count = 2;
#endif
#ifdef BROKEN_NO_MODES_NO_PRESETS /* a module that brings nothing */
  PLUGIN.mode_count = PLUGIN.preset_count = 0;
#endif
#ifdef BROKEN_SCHEMA_NOT_JSON /* a schema that is no JSON */
  MODE.config_schema = (cs_bytes)TEXT("{\"type\": object}");
#endif
#ifdef BROKEN_SCHEMA_64K /* a schema one byte longer than 64 KiB; it is JSON */
  static uint8_t schema[(64 << 10) + 1];
  memset(schema, 'a', sizeof schema);
  schema[0] = schema[sizeof schema - 1] = '"';
  MODE.config_schema.ptr = schema;
  MODE.config_schema.len = sizeof schema;
#endif
#ifdef BROKEN_PRESET_NOT_TOML /* a preset that does not parse: its fourth line */
  presets[0].text = (cs_bytes)TEXT("schema = 1\nname = \"probe\"\ntitle = \"A mode of the tests\"\nmode = probe\n");
#endif
#ifdef BROKEN_PRESETS_1025 /* one preset more than a module may bring, each of a name of its own */
  static char preset_names[1025][16], texts[1025][sizeof PRESET + 16];
  for (int i = 0; i < 1025; i++) {
    const char *rest = strchr(strchr(PRESET, '\n') + 1, '\n');
    presets[i].name.len = (size_t)snprintf(preset_names[i], sizeof preset_names[i], "probe-%d", i);
    presets[i].name.ptr = (const uint8_t *)preset_names[i];
    presets[i].text.len = (size_t)snprintf(texts[i], sizeof texts[i], "schema = 1\nname = \"probe-%d\"%s", i, rest);
    presets[i].text.ptr = (const uint8_t *)texts[i];
  }
  PLUGIN.preset_count = 1025;
#endif
#ifdef BROKEN_UNGUARDED /* says neither that its panics are caught nor that it has none */
  PLUGIN.flags = 0;
#endif
  return answer;
}
