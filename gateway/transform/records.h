/*
 * records.h - where in an answer about many people each one's record lies, and whose it is
 *
 * Shape   the answer is read once by the same filter that reduces answers, which notes each record
 *         (an element of the route's list) and the subject's name in it, and emits what is around
 *         the records with the list empty. Then each record is reduced by a filter of its own: what
 *         was found is bytes from..to of the answer.
 * Owns    the places and the names; record_list_wipe() overwrites both
 * Errors  a record without a subject, or two of one subject, make the answer malformed
 */
#ifndef SLUIS_TRANSFORM_RECORDS_H
#define SLUIS_TRANSFORM_RECORDS_H

#include "base/err.h"
#include "base/limits.h"
#include "transform/buffer.h"

struct record_place {
    size_t from, to;            /* offsets in the answer */
    size_t user_at, user_bytes; /* the app's own name of the subject, unescaped; in `users` */
};

struct record_list {
    struct record_place *places;
    size_t n, n_max;
    struct buffer users;
    bool has_list;  /* the list was there, perhaps with no record in it */
    bool is_open;   /* a record has begun and has not ended */
    size_t list_at; /* offset in the filter's output: where the records belong */
};

/* For at most limits->records records. */
SL_NODISCARD enum sl_err record_list_init(struct record_list *list, const struct limits *limits);
void record_list_deinit(struct record_list *list);
void record_list_wipe(struct record_list *list);

/* The filter's. False: the list is full, or memory is short. */
bool record_list_open(struct record_list *list, size_t from);
/* False: the record has a subject already, or this is no name. */
bool record_list_set_user(struct record_list *list, struct slice user);
/* False: the record has no subject. */
bool record_list_close(struct record_list *list, size_t to);

struct slice record_list_user(const struct record_list *list, size_t i);
/* Whether two records are of one subject. Puts the places in the order of the names. */
bool record_list_sort(struct record_list *list);

#endif
