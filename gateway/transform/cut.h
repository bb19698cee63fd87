/*
 * cut.h - of a list of positions, what lies around its ends is left out
 *
 * Shape   while an answer is read, each element of a list whose class is cut is noted with its
 *         place in the output and its position; when the answer has ended, the output closes up
 *         over those elements that lie near an end of any such list
 * Owns    the notes; they are wiped between answers
 * Errors  FILTER_TOO_LARGE: more elements or ends than the limits allow, or no memory
 * Spec    docs/formats/coarsening.md, "Routes"
 */
#ifndef SLUIS_TRANSFORM_CUT_H
#define SLUIS_TRANSFORM_CUT_H

#include "transform/buffer.h"
#include "transform/coarsen.h"
#include "transform/filter.h"

/* One element. Its number is where it stands in the notes, from 1; 0 is none. */
struct cut_element {
    size_t from, to; /* in the output, without the comma in front */
    struct position position;
    struct cell cell;             /* of its position, as it leaves */
    uint32_t cut_m;               /* how far around it others are left out, if it is an end */
    uint32_t classes;             /* bit i: it is noted for class i */
    uint32_t outer;               /* the element around it, or 0 */
    uint32_t list;                /* the first element of its list */
    uint32_t first_end, last_end; /* of a list's first element: the ends, or 0 */
    uint32_t n_left;              /* of a list's first element: how many were kept so far */
    bool has_comma, has_position;
};

struct cut {
    struct buffer elements;
    size_t n_elements_max, n_ends_max;
};

bool cut_init(struct cut *cut, const struct limits *limits);
void cut_deinit(struct cut *cut);
void cut_wipe(struct cut *cut);

/* An element begins at `from`. `*list` is its list's first element, and set when it is the first.
 */
enum filter_fault cut_open(struct cut *cut, const struct cut_element *element, uint32_t *list,
                           uint32_t *number);
void cut_close(struct cut *cut, uint32_t number, size_t to);
/* The element around a value in element `number` that is noted for the class, or 0. */
uint32_t cut_find(const struct cut *cut, uint32_t number, uint8_t class_index);
/* The position in an element; FILTER_POSITION when it has one already. */
enum filter_fault cut_place(struct cut *cut, uint32_t number, struct position position,
                            const struct coarseness *coarseness);
/* Bytes behind `at` moved `n_bytes` towards the front. */
void cut_shift(struct cut *cut, size_t at, size_t n_bytes);
/* The answer has ended. */
enum filter_fault cut_apply(struct cut *cut, struct buffer *output);

#endif
