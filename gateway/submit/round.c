/*
 * round.c - a note and lines under it
 */
#include "submit/round.h"

#include <string.h>

void round_begin(struct round *round, const struct ledger_head *head, int64_t now_ms)
{
    SL_ASSERT(head->note_n > 0);
    uint64_t number = round->number + 1;
    memset(round, 0, sizeof *round);
    round->number = number;
    round->head = *head;
    round->taken_ms = now_ms;
}

void round_add(struct round *round, size_t witness, struct slice line)
{
    SL_ASSERT(witness < TLOG_POLICY_WITNESSES_MAX);
    SL_ASSERT(line.n <= COSIGNATURE_LINE_BYTES_MAX);
    struct round_line *kept = &round->lines[witness];
    /* With the log's own, as many as a note may have. */
    if (kept->n > 0 || round->n_lines == NOTE_SIGNATURES_MAX - 1)
        return;
    memcpy(kept->bytes, line.p, line.n);
    kept->n = line.n;
    round->n_lines++;
}

void write_round(struct writer *writer, const struct round *round)
{
    write_bytes(writer, slice_of(round->head.note, round->head.note_n));
    for (size_t i = 0; i < TLOG_POLICY_WITNESSES_MAX; i++)
        write_bytes(writer, slice_of(round->lines[i].bytes, round->lines[i].n));
}
