/* A host of ABI 1.2, in which every structure that it passes has one field more, and a module of 1.1.
 *
 *   cc -std=c99 -I ../../include -o newer_host newer_host.c -ldl
 *   ./newer_host MODULE SECRET BODY SIGNATURE
 *
 * It asks the module's only mode for everything, prints `ok`, and ends with 0. Otherwise it says what was wrong. What the
 * host does not know of the module, and the module not of the host, is left as it was.
 */
#include <countersign.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define TAIL 0xA5A5A5A5A5A5A5A5u
typedef struct { cs_setup known; uint64_t appended; } setup_1_2;
typedef struct { cs_compiled known; uint64_t appended; } compiled_1_2;
typedef struct { cs_request known; uint64_t appended; } request_1_2;
typedef struct { cs_verdict known; uint64_t appended; } verdict_1_2;
typedef struct { cs_draft known; uint64_t appended; } draft_1_2;
typedef struct { cs_signed known; uint64_t appended; } signed_1_2;

#define CHECK(what) \
  do { \
    if (!(what)) { \
      fprintf(stderr, "line %d: not so: %s\n", __LINE__, #what); \
      return 1; \
    } \
  } while (0)

#define START(value) \
  do { \
    memset(&(value), 0, sizeof(value)); \
    (value).known.struct_size = sizeof(value); \
    (value).appended = TAIL; \
  } while (0)

static cs_bytes text(const char *text) {
  cs_bytes bytes = {(const uint8_t *)text, strlen(text)};
  return bytes;
}

static int compiled_as(const cs_mode *mode, uint32_t purpose, const cs_secret_part *part, compiled_1_2 *out) {
  setup_1_2 setup;
  START(setup);
  setup.known.purpose = purpose;
  setup.known.config_json = text("{}");
  setup.known.parts = part;
  setup.known.part_count = part != NULL;
  START(*out);
  return mode->compile(&setup.known, &out->known) == CS_OK && setup.appended == TAIL && out->appended == TAIL;
}

/* The outcome, or 0 if anything else is wrong. */
static uint32_t verdict_on(const cs_mode *mode, void *handle, cs_bytes body, cs_bytes signature) {
  static uint8_t prints[64], said[64];
  const cs_header header = {text("x-probe"), signature};
  request_1_2 request;
  verdict_1_2 verdict;
  START(request);
  request.known.method = text("POST");
  request.known.url = text("https://hooks.example.com/in");
  request.known.headers = &header;
  request.known.header_count = 1;
  request.known.body = body;
  START(verdict);
  verdict.known.signed_at_ms = verdict.known.signed_until_ms = verdict.known.want_newer_than_ms = CS_NONE_MS;
  verdict.known.fingerprints.ptr = prints;
  verdict.known.fingerprints.cap = sizeof prints;
  verdict.known.detail_text.ptr = said;
  verdict.known.detail_text.cap = sizeof said;
  if (mode->verify(handle, &request.known, &verdict.known) != CS_OK) return 0;
  if (request.appended != TAIL || verdict.appended != TAIL || verdict.known.struct_size != sizeof verdict) return 0;
  return verdict.known.fingerprints.len == CS_FINGERPRINT_SIZE ? verdict.known.outcome : 0;
}

static int signs(const cs_mode *mode, void *handle, cs_bytes body, cs_bytes signature) {
  uint8_t name[64], signed_as[128], joined_by[8];
  cs_mark mark = {0, 0, {name, sizeof name, 0}, {signed_as, sizeof signed_as, 0}, {joined_by, sizeof joined_by, 0}};
  draft_1_2 draft;
  signed_1_2 out;
  START(draft);
  draft.known.method = text("POST");
  draft.known.url = text("https://hooks.example.com/in");
  draft.known.body = body;
  START(out);
  out.known.marks = &mark;
  out.known.mark_cap = 1;
  if (mode->sign(handle, &draft.known, &out.known) != CS_OK) return 0;
  return draft.appended == TAIL && out.appended == TAIL && out.known.mark_count == 1 &&
         mark.text.len == signature.len && memcmp(signed_as, signature.ptr, signature.len) == 0;
}

int main(int count, char **words) {
  const cs_plugin *(*entry)(void);
  CHECK(count == 5);
  const cs_bytes secret = text(words[2]), body = text(words[3]), signature = text(words[4]);
  const cs_secret_part part = {text("main"), {NULL, 0}, secret, CS_KEY_SHARED, 0};
  compiled_1_2 checked, verifying, signing;
  void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
  CHECK(library != NULL);
  *(void **)&entry = dlsym(library, "countersign_plugin_v1");
  CHECK(entry != NULL);
  const cs_plugin *plugin = entry();
  /* As this host would judge: what it knows of 1.2 ends behind what the module has, and reads as zero. */
  CHECK(plugin->magic == CS_ABI_MAGIC && plugin->abi_major == 1 && plugin->abi_minor == 1);
  CHECK(plugin->struct_size == sizeof(cs_plugin) && plugin->mode_count == 1);
  const cs_mode *mode = plugin->modes[0];
  CHECK(mode->struct_size == sizeof(cs_mode));
  CHECK(compiled_as(mode, CS_FOR_CHECK, NULL, &checked) && checked.known.handle == NULL);
  CHECK(compiled_as(mode, CS_FOR_VERIFY, &part, &verifying) && verifying.known.handle != NULL);
  CHECK(compiled_as(mode, CS_FOR_SIGN, &part, &signing) && signing.known.handle != NULL);
  CHECK(verdict_on(mode, verifying.known.handle, body, signature) == CS_VERIFIED);
  CHECK(verdict_on(mode, verifying.known.handle, text("another body"), signature) == CS_BAD_SIGNATURE);
  CHECK(signs(mode, signing.known.handle, body, signature));
  mode->destroy(verifying.known.handle);
  mode->destroy(signing.known.handle);
  puts("ok");
  return 0;
}
