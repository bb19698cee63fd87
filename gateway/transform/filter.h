/*
 * filter.h - the single-pass JSON filter: checks every byte, lets pass what the plan keeps
 *
 * One parser decides and emits, so there is no second reading to disagree with. It accepts
 * exactly RFC 8259 in strict UTF-8, refuses duplicate keys (after unescaping), lone surrogates,
 * a byte order mark, and anything beyond the limits, in dropped parts too. A field passes only
 * when the trie names it and the plan keeps its class; containers on the way are kept exactly
 * when a kept field can lie below them, so the shape depends on the plan, not on the data. Values
 * leave byte for byte, keys in the route's spelling; docs/formats/coarsening.md has the rules.
 *
 * Feed it pieces of any size; the result is whole after filter_finish().
 */
#ifndef SLUIS_TRANSFORM_FILTER_H
#define SLUIS_TRANSFORM_FILTER_H

#include "base/coarseness.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "transform/path.h"

struct record_list;

/* What to do with each class of the route; a plain copy of what was decided. */
struct reduction_entry {
    bool keep;
    struct coarseness coarseness;
};

struct reduction {
    size_t n_classes;
    struct reduction_entry classes[LIMIT_MAX_route_classes];
    uint32_t time_s;        /* bucket for times; 0: as it is */
    int32_t year;           /* in which the flow takes place, UTC; for ages */
    struct slice user;      /* the app's own name of the subject, unescaped */
    struct slice pseudonym; /* what the partner knows the subject by; JSON-safe ASCII */
    struct slice app;       /* its id, and the partner's key, for other identifiers */
    const struct hmac_key *identifier_key;
};

enum filter_fault {
    FILTER_OK,
    FILTER_SYNTAX,
    FILTER_UTF8,
    FILTER_SURROGATE,
    FILTER_DUPLICATE_KEY,
    FILTER_DEPTH,
    FILTER_TOKEN, /* a string or number longer than json_token_bytes */
    FILTER_MEMBERS,
    FILTER_TRUNCATED,
    FILTER_TOO_LARGE, /* more than answer_bytes, or no memory for the result */
    FILTER_SUBJECT,   /* a subject field names somebody else, or is no string */
    FILTER_POSITION,  /* a position that is no pair of numbers on the globe */
    FILTER_TIME,      /* a time that is none */
    FILTER_VALUE,     /* what a coarser value can't be made from */
    FILTER_NUMBER,    /* what is to be a number and is none, or one of more than 15 digits */
    FILTER_SHAPE,     /* the root is not what the route's fields say */
    FILTER_RECORD,    /* no list of records, or a record that does not say whose it is */
};
const char *filter_fault_name(enum filter_fault fault);

struct filter;

/* Allocates the buffers once; a filter is reused for flow after flow. */
SL_NODISCARD enum sl_err filter_new(const struct limits *limits, struct filter **out);
void filter_free(struct filter *filter);
SL_DEFINE_AUTO(filter, filter_free)

/* Starts a new answer. `trie` and `reduction` must live until filter_finish(). */
void filter_begin(struct filter *filter, const struct path_trie *trie,
                  const struct reduction *reduction);
/*
 * Starts a new answer about many people, which is not reduced but taken apart: `list`, which must
 * be empty, gets the place of each record, and the output is what is around them. `around` is a
 * trie with path_trie_set_records(); of the fields around the records only structure that is text
 * passes, as a number there could tell how many there are. Both must live until filter_finish().
 */
void filter_begin_records(struct filter *filter, const struct path_trie *around,
                          struct record_list *list);
/* SL_EMALFORMED or SL_ELIMIT: see filter_fault(); the answer is lost. */
SL_NODISCARD enum sl_err filter_feed(struct filter *filter, struct slice piece);
SL_NODISCARD enum sl_err filter_finish(struct filter *filter);
/* The reduced answer, after filter_finish(); the filter's, until the next filter_begin(). */
struct slice filter_output(const struct filter *filter);
/* Overwrites all that the filter holds of an answer; filter_begin() and filter_free() do so too. */
void filter_wipe(struct filter *filter);
enum filter_fault filter_fault(const struct filter *filter);
/* Offset in the app's answer of the byte at which it was refused; for the operator's log. */
uint64_t filter_fault_at(const struct filter *filter);

#endif
