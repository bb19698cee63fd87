/*
 * coarseness.h - how far a data class is reduced, dimension by dimension, and how receipts say so
 *
 * Shape   one number for each dimension; 0 leaves the class as it is in that dimension. A policy
 *         grants one, a decision plans one, the filter carries it out and a receipt names it: all
 *         four mean the same numbers, so they live here, below all of them.
 * Text    what was done to a class, as a receipt has it: "dropped", "kept", or the numbers that
 *         are not 0, in the order of the dimensions, with a blank between two of them:
 *             5000m   900s   cut500m   by10   top5   redacted   group20
 *         the last of which no policy grants: it left only as part of a figure about so many
 * Spec    docs/formats/receipt.md, docs/formats/coarsening.md
 */
#ifndef SLUIS_BASE_COARSENESS_H
#define SLUIS_BASE_COARSENESS_H

#include "base/slice.h"
#include "base/writer.h"

enum coarse_dimension {
    COARSE_PRECISION, /* positions: metres of a grid */
    COARSE_TIME,      /* times: seconds of a bucket */
    COARSE_CUT,       /* lists of positions: metres around both ends */
    COARSE_BUCKET,    /* numbers: thousandths of a bucket */
    COARSE_TOP,       /* lists: at most so many; fewer is coarser */
    COARSE_REDACT,    /* texts: 1, addresses and numbers are taken out */
};
enum { N_COARSE = COARSE_REDACT + 1 };

struct coarseness {
    uint32_t by[N_COARSE];
};

/* The largest number that a policy can ask for. */
uint32_t coarse_max(enum coarse_dimension dimension);
/* True when `a` tells more than `b`. */
bool coarse_is_finer(enum coarse_dimension dimension, uint32_t a, uint32_t b);
/* The coarser of both, in each dimension. */
struct coarseness coarseness_coarser(struct coarseness a, struct coarseness b);
bool coarseness_equals(struct coarseness a, struct coarseness b);
bool coarseness_is_none(struct coarseness coarseness);

/* So many parts, of which `per_one` (a power of ten) are one, in decimal without trailing zeros. */
void write_parts(struct writer *writer, int64_t value, uint32_t per_one);
/* A number of thousandths: 10, 0.5, -2.25. */
void write_thousandths(struct writer *writer, int64_t thousandths);
/* The same backwards, positive, at most `max`; one text for one number. */
bool thousandths_parse(struct slice text, uint32_t max, uint32_t *out);

/* What was done to one class. */
struct coarse_done {
    bool kept; /* coarsened counts as kept */
    struct coarseness coarseness;
    uint32_t group; /* kept: in a figure about so many people or more; 0: by itself */
};
void write_coarse_done(struct writer *writer, const struct coarse_done *done);
/* Exactly what write_coarse_done() writes; false, and `*out` untouched, for anything else. */
bool coarse_done_parse(struct slice text, struct coarse_done *out);

#endif
