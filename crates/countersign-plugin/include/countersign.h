/* countersign.h, ABI 1.1: how a shared library gives countersign modes and presets.
 *
 * A module exports one function, `countersign_plugin_v1`, which returns static data. Nobody frees anybody's memory: what
 * goes in is borrowed until the call returns, what comes out goes into the host's buffers, and a handle is the module's
 * own. `status` says whether a call worked; `outcome` says whether a message is genuine. Whatever is not listed here is a
 * fault of the module and a refusal. A module keeps no clock, cache, thread, file or socket of its own.
 *
 * A structure with `struct_size` may have more fields in a later minor than in this one: a field is there only if it ends
 * within the size that the other side gives (CS_HOLDS), and nothing is written beyond that. All others are frozen.
 * Methods, URLs, names and ids that the host passes are UTF-8 texts; bodies and header values are any bytes. Nothing ends
 * with a NUL. A handle is asked only for what it was compiled for, by many threads at once unless CS_SERIAL is set.
 */
#ifndef COUNTERSIGN_H
#define COUNTERSIGN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define CS_ABI_MAGIC 0x314C50534E475343 /* "CSGNSPL1", read little-endian */
#define CS_ABI_MAJOR 1
#define CS_ABI_MINOR 1

/* What a call returns: did it work? Never: is the message genuine? */
enum {
  CS_OK = 0,
  CS_BAD_CONFIG = 1,  /* compile: see cs_compiled.errors */
  CS_BAD_KEY = 2,     /* compile: a secret part or a variable will not do; cs_compiled.errors says why */
  CS_UNSUPPORTED = 3, /* this mode, so configured, cannot do that */
  CS_INTERNAL = 4,    /* it failed; nothing is known of the request */
  CS_PANIC = 5,       /* caught: the host drops the handle and compiles again */
  CS_NO_SPACE = 6     /* verify: fingerprints.len is the bytes needed; sign: mark_count and every len are what is needed.
                         Called again with more room, twice at most */
};

/* cs_verdict.outcome: 0 on entry; a number that is not listed here is a fault of the module. */
enum {
  CS_VERIFIED = 0x56C5,
  CS_NEED_MATERIAL = 0x2001,
  CS_PAYLOAD_TOO_LARGE = 0x1001, /* 0x1000 + the core's Reason */
  CS_MISSING_HEADER = 0x1002,
  CS_MALFORMED_CONTENT = 0x1003,
  CS_MISSING_SIGNATURE = 0x1004,
  CS_MALFORMED_SIGNATURE = 0x1005,
  CS_KEY_UNAVAILABLE = 0x1007,
  CS_UNKNOWN_KEY = 0x1008,
  CS_UNTRUSTED_KEY = 0x1009,
  CS_BAD_SIGNATURE = 0x100A,
  CS_CLAIM_MISMATCH = 0x100B,
  CS_MISSING_TIMESTAMP = 0x100D,
  CS_MALFORMED_TIMESTAMP = 0x100E,
  CS_STALE_TIMESTAMP = 0x100F,  /* these two only with a detail: a token's own end or beginning is the mode's to judge, */
  CS_FUTURE_TIMESTAMP = 0x1010, /* how old a message may be is the host's */
  CS_DISALLOWED = 0x1012,
  CS_MODE_FAULT = 0x1013
};

enum { CS_PRINT_CONTENT = 1, CS_PRINT_TAG = 2 };
enum { CS_WANT_URL = 1, CS_WANT_NAMED = 2 };
enum { CS_IN_HEADER = 1, CS_IN_QUERY = 2, CS_IN_FORM = 3, CS_IN_JSON = 4 };
#define CS_FINGERPRINT_SIZE 32
#define CS_NONE_MS INT64_MIN /* a time that is not there; others are milliseconds since 1970, before it negative */

/* Whether the structure behind a pointer, by its own struct_size, has a field. */
#define CS_HOLDS(type, pointer, field) \
  ((pointer)->struct_size >= offsetof(type, field) + sizeof((pointer)->field))

typedef struct { const uint8_t *ptr; size_t len; } cs_bytes;       /* borrowed; ptr may be NULL when len is 0 */
typedef struct { uint8_t *ptr; size_t cap; size_t len; } cs_buf;   /* the host's: write at most cap, set len */

/* Elements of arrays: frozen for the whole major version. */
typedef struct { cs_bytes name, value; } cs_header;
typedef struct { cs_bytes name, value; } cs_var; /* value.ptr NULL: declared by the preset, and not given */
typedef struct { cs_bytes key_id, role, value; uint32_t kind, reserved; } cs_secret_part;          /* kind: CS_KEY_* */
typedef struct { uint32_t kind, reserved; cs_bytes name, value; int64_t fetched_ms; } cs_material; /* kind: CS_WANT_* */
typedef struct { cs_bytes code, summary; uint32_t outcome, reserved; } cs_detail; /* outcome: a refusal above */
typedef struct { cs_bytes name, text, vectors; } cs_preset;                       /* TOML; vectors may be empty */
typedef struct { uint32_t body, keys, abilities, binds; } cs_needs;

/* cs_needs: body is one of these; keys, abilities and binds are sets. */
enum { CS_BODY_NOTHING = 0, CS_BODY_WHOLE = 2 };
enum {
  CS_MAY_WANT = 1,      /* verify may answer CS_NEED_MATERIAL */
  CS_CAN_SIGN = 2,      /* there is a sign; it may still say CS_UNSUPPORTED of one configuration */
  CS_SAME_CONTENT = 4   /* what is signed is the same for every request, as with a token that is only shown */
};
enum { CS_KEY_SHARED = 1, CS_KEY_PUBLIC = 2, CS_KEY_PRIVATE = 4, CS_KEY_TRUST_ANCHOR = 8 };
enum {
  CS_BINDS_BODY = 1,
  CS_BINDS_TIME = 2,
  CS_BINDS_ID = 4,
  CS_BINDS_URL = 8,
  CS_BINDS_METHOD = 16,
  CS_BINDS_QUERY = 32
};

enum { CS_FOR_CHECK = 0, CS_FOR_VERIFY = 1, CS_FOR_SIGN = 2 };
typedef struct {
  size_t struct_size;
  uint32_t purpose, reserved;                     /* CHECK: no parts, no values, no handle wanted */
  cs_bytes config_json;                           /* the mode's own table of the resolved preset; no key twice */
  const cs_secret_part *parts; size_t part_count; /* one credential */
  const cs_var *vars; size_t var_count;           /* every variable that the preset declares */
} cs_setup;

typedef struct {
  size_t struct_size;
  void *handle;                                   /* opaque; NULL on entry, and after CHECK */
  cs_needs needs;                                 /* of this table: within cs_mode.needs, binding no less */
  cs_buf errors;                                  /* lines: JSON pointer, TAB, what is wrong, [TAB, what to do,] LF.
                                                     Empty: the whole table, or a key part; "/a/b": a value; "/a/b#": the
                                                     key itself. May be cut short, like notes and detail_text */
  cs_buf notes;                                   /* lines that an operator should know, with CHECK */
  cs_buf headers;                                 /* since 1.1, with CHECK. Lines: the names, in lower case, of all headers
                                                     that verify looks at; it is given no other then. Empty: any. All or
                                                     none: a name without room is not to be left out */
} cs_compiled;

typedef struct {
  size_t struct_size;
  cs_bytes method, url;                           /* the public URL, absolute, as configured */
  const cs_header *headers; size_t header_count;  /* wire order, lower-case names, duplicates kept; of all, or of those that
                                                     cs_compiled.headers names */
  cs_bytes body;                                  /* as received; empty if needs.body is NOTHING */
  int64_t now_ms;                                 /* the only clock */
  const cs_material *materials; size_t material_count;
} cs_request;

typedef struct {
  size_t struct_size;
  uint32_t outcome, detail_code;                  /* detail 0: none; n: cs_mode.details[n - 1] */
  uint32_t binds, fingerprint_kind;               /* what this signature covered; 0 or CS_PRINT_* */
  int64_t signed_at_ms, signed_until_ms;          /* CS_NONE_MS on entry; until: the latest, where there are several */
  int64_t want_newer_than_ms;                     /* CS_NONE_MS on entry */
  uint32_t want_kind, reserved;                   /* CS_WANT_*, with CS_NEED_MATERIAL */
  cs_buf fingerprints;                            /* 32 bytes each, of what is signed and never of the signature; with
                                                     a refusal, too, wherever the content could be rebuilt: another
                                                     key's signature of it may be good */
  cs_buf want;                                    /* the URL or the name of the one thing wanted; the same again, or a
                                                     third, is answered by CS_KEY_UNAVAILABLE in your stead */
  cs_buf message_id, key_id;                      /* only if signed; only if the key came as material. Never cut: an id
                                                     without room is CS_MALFORMED_CONTENT, a key id or a want that has
                                                     none CS_KEY_UNAVAILABLE. There is room for 1024, 2048 and 2048 */
  cs_buf detail_text;                             /* for operators */
} cs_verdict;

typedef struct {
  size_t struct_size;
  cs_bytes method, url; const cs_header *headers; size_t header_count;
  cs_bytes body, id; int64_t at_ms;
} cs_draft;

/* Frozen. place: CS_IN_*; joined: 0 if the place takes only one, and then joined_by is empty; else what stands between. */
typedef struct { uint32_t place, joined; cs_buf name, text, joined_by; } cs_mark;

typedef struct {
  size_t struct_size;
  uint32_t outcome, detail_code;                  /* 0: signed; or a refusal, and its detail */
  cs_mark *marks; size_t mark_cap, mark_count;    /* the host's; how many there may be, how many there are */
  cs_buf detail_text;
} cs_signed;

enum { CS_SERIAL = 1, CS_PREVIEW = 2 };           /* cs_mode.flags: never two calls at once; young */
typedef struct {
  size_t struct_size;
  cs_bytes name, summary, config_schema, example; /* name: [a-z0-9]+(-[a-z0-9]+)*, at most 64; schema: JSON Schema, may
                                                     be empty; example: TOML */
  const cs_detail *details; size_t detail_count;
  uint32_t flags, reserved;
  cs_needs needs;                                 /* the most any table needs, the least any table binds */
  int32_t (*compile)(const cs_setup *setup, cs_compiled *out);
  int32_t (*verify)(void *handle, const cs_request *request, cs_verdict *out);
  int32_t (*sign)(void *handle, const cs_draft *draft, cs_signed *out); /* or NULL */
  void (*destroy)(void *handle);
} cs_mode;

enum { CS_GUARDED = 1, CS_NO_UNWIND = 2 };        /* cs_plugin.flags: panics are caught; the language has none */
typedef struct {
  uint64_t magic;
  uint32_t abi_major, abi_minor, abi_minor_needed, flags;
  size_t struct_size;
  cs_bytes name, version;
  const cs_mode *const *modes; size_t mode_count; /* a table of pointers, so that cs_mode can grow */
  const cs_preset *presets; size_t preset_count;
} cs_plugin;

#ifdef _WIN32
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
const cs_plugin *countersign_plugin_v1(void); /* the only export */

/* How often `name` (lower case) occurs; *value is its first value, or empty. Two is not one. */
static inline size_t cs_header_find(const cs_request *r, const char *name, size_t len, cs_bytes *value) {
  size_t i, j, found = 0;
  value->ptr = NULL;
  value->len = 0;
  for (i = 0; i < r->header_count; i++) {
    const cs_bytes *n = &r->headers[i].name;
    for (j = 0; n->len == len && j < len && n->ptr[j] == (uint8_t)name[j]; j++) {}
    if (n->len == len && j == len && found++ == 0) *value = r->headers[i].value;
  }
  return found;
}
static inline int cs_equal(const uint8_t *a, const uint8_t *b, size_t len) { /* in constant time */
  volatile uint8_t differ = 0;
  while (len-- > 0) differ = (uint8_t)(differ | (a[len] ^ b[len]));
  return differ == 0;
}
static inline void cs_wipe(void *ptr, size_t len) {
  volatile uint8_t *p = (volatile uint8_t *)ptr;
  while (len-- > 0) p[len] = 0;
}
/* What fits of `len` bytes, appended to a buffer; 0 if not all did. A buffer that asks for room takes no more. */
static inline int cs_append(cs_buf *buf, const void *bytes, size_t len) {
  const uint8_t *from = (const uint8_t *)bytes;
  size_t i, room = buf->len < buf->cap ? buf->cap - buf->len : 0;
  for (i = 0; i < len && i < room; i++) buf->ptr[buf->len + i] = from[i];
  buf->len += i;
  return i == len;
}
/* One fingerprint: a tag or a digest of at most 32 bytes, padded with zeros, or the first 32 of a longer one. 0: there is
 * no room; go on, and in the end say CS_NO_SPACE: `fingerprints.len` is what is needed then. */
static inline int cs_fingerprint(cs_verdict *v, uint32_t kind, const uint8_t *tag, size_t len) {
  uint8_t print[CS_FINGERPRINT_SIZE];
  size_t i;
  for (i = 0; i < CS_FINGERPRINT_SIZE; i++) print[i] = i < len ? tag[i] : 0;
  v->fingerprint_kind = kind;
  if (v->fingerprints.len <= v->fingerprints.cap && v->fingerprints.cap - v->fingerprints.len >= CS_FINGERPRINT_SIZE)
    return cs_append(&v->fingerprints, print, CS_FINGERPRINT_SIZE);
  v->fingerprints.len += CS_FINGERPRINT_SIZE;
  return 0;
}

#if SIZE_MAX == 0xFFFFFFFFFFFFFFFF /* the layout on 64-bit targets; 1.1 knows no others */
typedef char cs_layout[sizeof(cs_setup) == 64 && sizeof(cs_compiled) == 104 && sizeof(cs_request) == 96
  && sizeof(cs_verdict) == 176 && sizeof(cs_draft) == 96 && sizeof(cs_signed) == 64 && sizeof(cs_mark) == 80
  && sizeof(cs_mode) == 144 && sizeof(cs_plugin) == 96 && sizeof(cs_secret_part) == 56 && sizeof(cs_material) == 48
  && sizeof(cs_detail) == 40 && sizeof(cs_preset) == 48 && sizeof(cs_needs) == 16 ? 1 : -1];
#endif
#ifdef __cplusplus
}
#endif
#endif
