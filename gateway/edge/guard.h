/*
 * guard.h - is this request head HTTP/1.1 as RFC 9112 has it, and nothing else?
 *
 * libmicrohttpd accepts far more than that (docs/decisions/004-guard.md). It parses in place, so
 * the pieces it found still lie in the order in which they arrived: the guard checks that method,
 * target, version and fields, with exactly the separators that the grammar has between them, add
 * up to the whole head. Whatever was dropped, folded, truncated at a NUL or ended by a bare LF
 * leaves a gap of the wrong size.
 *
 * Pure: no libmicrohttpd here.
 */
#ifndef SLUIS_EDGE_GUARD_H
#define SLUIS_EDGE_GUARD_H

#include "base/limits.h"
#include "base/slice.h"

enum { GUARD_FIELDS_MAX = LIMIT_MAX_request_fields };

struct guard_field {
    struct slice name, value;
};

struct guard_head {
    size_t head_bytes;   /* from the method's first byte to the end of the empty line */
    struct slice method; /* these lie in one buffer, as they arrived */
    struct slice target; /* its place and length; the parser may have written into it */
    struct slice version;
    bool takes_body; /* whoever answers this request knows what to do with one */
    size_t n_fields;
    bool too_many_fields;
    struct guard_field fields[GUARD_FIELDS_MAX];
};

enum guard_fault {
    GUARD_OK,
    GUARD_HEAD_TOO_LARGE,
    GUARD_TARGET_TOO_LONG,
    GUARD_LAYOUT,      /* bytes that the grammar has no place for */
    GUARD_VERSION,     /* not HTTP/1.1 */
    GUARD_METHOD,      /* no token, or none that HTTP defines */
    GUARD_TARGET,      /* not origin-form, or with encoded separators, dot segments, odd bytes */
    GUARD_FIELD_NAME,  /* not a token */
    GUARD_FIELD_VALUE, /* control or non-ASCII bytes */
    GUARD_HOST,        /* none, two, or not host[:port] */
    GUARD_LENGTH,      /* two Content-Length, no number, or with Transfer-Encoding */
    GUARD_CODING,      /* Transfer-Encoding other than one `chunked` */
    GUARD_BODY,        /* a body where none is taken */
    GUARD_EXPECT,      /* an expectation other than 100-continue */
    GUARD_REPEATED,    /* a field that has one value stands there more than once */
};
enum { N_GUARD_FAULTS = GUARD_REPEATED + 1 };

/* `target` holds the target's bytes as they arrived. */
enum guard_fault guard_check(const struct guard_head *head, struct slice target,
                             const struct limits *limits);
/* What a head that passed says of its body. */
struct guard_body {
    bool has_length; /* a Content-Length, be it 0, or chunks */
    bool is_chunked;
    uint64_t length; /* unless it comes in chunks */
};
struct guard_body guard_body(const struct guard_head *head);
/* The value of field `name` without surrounding white space; empty when there is none. */
struct slice guard_field_get(const struct guard_head *head, const char *name);

#endif
