/*
 * path.h - which fields of an answer hold which data class: a trie the filter walks
 *
 * Shape   nodes in one array; from each node children by member name, by array index, or one for
 *         any array element ([*]). `[n]` and `[*]` at one place is an error. At most 128 fields.
 * Owns    the trie owns a copy of its names; immutable after path_trie_finish()
 * Spec    a subset of RFC 9535: $, .name, ['name'] or ["name"] with JSON escapes, [n], [*];
 *         at most json_depth steps
 */
#ifndef SLUIS_TRANSFORM_PATH_H
#define SLUIS_TRANSFORM_PATH_H

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

/* What a field holds, and so what the filter does with its value. */
enum field_form {
    FIELD_VALUE,    /* kept byte for byte, or dropped, with its data class */
    FIELD_LATITUDE, /* a number in degrees; snapped with the longitude beside it */
    FIELD_LONGITUDE,
    FIELD_TIME,       /* RFC 3339 text, or seconds or milliseconds since 1970 as a number */
    FIELD_SUBJECT,    /* the app's own name of the subject; becomes the partner's pseudonym */
    FIELD_STRUCTURE,  /* says nothing about anyone ("type": "Feature"); kept on any release */
    FIELD_MOMENT,     /* as FIELD_TIME, of a data class; a date too */
    FIELD_FIRST_WORD, /* what these make of a value: see derive.h */
    FIELD_MONTH,
    FIELD_HOUR,
    FIELD_AGE_GROUP,
    FIELD_GEOHASH, /* a position as a geohash */
    FIELD_ID,      /* an app's own name of a thing; becomes the partner's, see identifier.h */
    FIELD_PERSON,  /* of a person; of the subject, it becomes the pseudonym */
    FIELD_OBJECT,  /* as FIELD_ID, of no data class: kept on any release */
    FIELD_PATTERN, /* a text of which parts are data, see pattern.h */
};

struct path_field {
    enum field_form form;
    uint8_t class_index; /* index into the route's classes, of a form that has one */
};
/* False for what goes with any release; that of a pattern is up to its parts. */
bool form_has_class(enum field_form form);

struct path_trie;

SL_NODISCARD enum sl_err path_trie_new(struct path_trie **out);
void path_trie_free(struct path_trie *trie);
SL_DEFINE_AUTO(path_trie, path_trie_free)

enum path_fault {
    PATH_OK,
    PATH_SYNTAX,      /* not in the subset */
    PATH_DUPLICATE,   /* the same field twice */
    PATH_CONTRADICTS, /* a field below a field, or [n] beside [*], or a name beside an index */
    PATH_TOO_MANY,
    PATH_UNPAIRED, /* latitude without a longitude beside it, or two of them (finish only) */
    PATH_NO_MEMORY,
};
const char *path_fault_text(enum path_fault fault);

/* A path that is refused leaves the trie as it was; `*fault_at` is an offset in the path. */
enum path_fault path_trie_add(struct path_trie *trie, struct slice path, struct path_field field,
                              size_t *fault_at);
/*
 * The value of the field that was added last serves a coarser class as well: where its own class is
 * dropped and `coarser.class_index` is kept, `coarser.form` makes a value of it.
 */
void path_trie_set_coarser(struct path_trie *trie, struct path_field coarser);
/*
 * Says where an answer's records are: `records` leads to each element of one list ("$.items[*]"),
 * and at least one field was added below it. False: it leads nowhere.
 */
bool path_trie_set_records(struct path_trie *trie, struct slice records);
/* What kind of thing the identifiers of the field that was added last name: a data class's code. */
void path_trie_set_space(struct path_trie *trie, uint32_t space);
/* The field that was added last is a FIELD_PATTERN; the trie takes and frees `pattern`. */
struct pattern;
void path_trie_set_pattern(struct path_trie *trie, struct pattern *pattern);
/* Checks the pairs; nothing can be added afterwards. */
enum path_fault path_trie_finish(struct path_trie *trie);
/* After PATH_UNPAIRED: which field, counted from 0 in the order in which they were added. */
size_t path_trie_fault_field(const struct path_trie *trie);

#endif
