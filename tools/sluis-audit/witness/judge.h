/*
 * judge.h - may this checkpoint be cosigned? The rules of C2SP tlog-witness, and nothing else
 *
 * Pure: reads a request's body and the records of the known logs; writes nothing, asks no clock.
 */
#ifndef SLUIS_WITNESS_JUDGE_H
#define SLUIS_WITNESS_JUDGE_H

#include "ledger/checkpoint.h"
#include "ledger/note_lines.h"
#include "witness/known_logs.h"

enum verdict {
    VERDICT_COSIGN,
    VERDICT_MALFORMED,    /* the body is not of the form, or old is more than the size */
    VERDICT_UNKNOWN_LOG,  /* no known log has this origin */
    VERDICT_NOT_SIGNED,   /* no known key of the log signed it, or one of them did not hold */
    VERDICT_OTHER_SIZE,   /* old is not what was cosigned last */
    VERDICT_INCONSISTENT, /* it is not shown to have grown out of what was cosigned last */
};

struct judged {
    enum verdict verdict;
    const char *why;       /* one clause, for people */
    struct known_log *log; /* from VERDICT_NOT_SIGNED on */
    /* From VERDICT_OTHER_SIZE on: the slices point into the body. */
    struct slice note, text;
    struct checkpoint checkpoint;
};

void judge(struct known_logs *logs, struct slice body, struct judged *out);
/* Is the line by a known key of the log? */
bool judge_line_is_of(const struct known_log *log, const struct note_line *line);

#endif
