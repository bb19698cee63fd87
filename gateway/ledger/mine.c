/*
 * mine.c - numbers without a gap, and epochs that account for all of them
 *
 *     numbers expected   [ 7 | 8 | 9 | ... | 1030 ]     their tags, in a table
 *     receipts           s  7  s  s  9  s                8 is missing
 *
 * A subject finds its receipts by computing the tags of the next numbers. A thousand are looked for
 * at once, so that one that is missing does not hide those that come after. If more than that are
 * missing in a row, the numbers stop here; the heads of the epoch then account for more than were
 * found, and that is a fault, too.
 */
#include "ledger/mine.h"

#include "base/base64.h"
#include "base/plural.h"
#include "base/writer.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 1024, SLOTS = 4 * AHEAD, FIRST_CAP = 64 };

struct slot {
    bool used;
    uint8_t tag[LEAF_TAG_BYTES];
    uint64_t number;
};

struct mine {
    struct hmac_key key;
    /* Tags of the numbers [base, base + AHEAD). */
    uint64_t base;
    struct slot slots[SLOTS];
    uint64_t next; /* expected; base <= next < base + AHEAD / 2 */
    /* Where the subject's receipts are, from `end` of the last epoch on. */
    size_t n_newer, newer_cap;
    uint64_t *newer;
    struct mine_result result;
    size_t faults_cap;
    struct mine_fault *faults;
};

enum sl_err mine_new(const uint8_t key[32], struct mine **out)
{
    SL_AUTO(mine) mine = calloc(1, sizeof *mine);
    if (!mine)
        return SL_EINTERNAL;
    mine->newer = calloc(FIRST_CAP, sizeof *mine->newer);
    mine->faults = calloc(FIRST_CAP, sizeof *mine->faults);
    if (!mine->newer || !mine->faults)
        return SL_EINTERNAL;
    mine->newer_cap = mine->faults_cap = FIRST_CAP;
    hmac_key_init(&mine->key, slice_of(key, 32));
    mine->base = UINT64_MAX; /* no table yet */
    *out = mine;
    mine = NULL;
    return SL_OK;
}

void mine_free(struct mine *mine)
{
    if (!mine)
        return;
    free(mine->newer);
    free(mine->faults);
    OPENSSL_cleanse(mine, sizeof *mine);
    free(mine);
}

struct mine_result mine_result(const struct mine *mine)
{
    struct mine_result result = mine->result;
    result.faults = mine->faults;
    result.n_newer = mine->n_newer;
    return result;
}

/* Room for one more in an array of pointers to `bytes_each`. */
static void *grown(void *array, size_t n, size_t *cap, size_t bytes_each)
{
    if (n < *cap)
        return array;
    void *larger = reallocarray(array, *cap, 2 * bytes_each);
    if (larger)
        *cap *= 2;
    return larger;
}

static enum sl_err add_fault(struct mine *mine, const struct mine_fault *fault)
{
    struct mine_fault *faults =
        grown(mine->faults, mine->result.n_faults, &mine->faults_cap, sizeof *faults);
    if (!faults)
        return SL_EINTERNAL;
    mine->faults = faults;
    faults[mine->result.n_faults++] = *fault;
    return SL_OK;
}

/* ------------------------------------------------------------------------------- receipts -- */

/* The slot of `tag`, or a free one. */
static struct slot *slot_of(struct mine *mine, const uint8_t tag[LEAF_TAG_BYTES])
{
    uint32_t at;
    memcpy(&at, tag, sizeof at); /* tags are their own hash */
    for (;; at++) {
        struct slot *slot = &mine->slots[at % SLOTS];
        if (!slot->used || memcmp(slot->tag, tag, LEAF_TAG_BYTES) == 0)
            return slot;
    }
}

static void look_ahead(struct mine *mine)
{
    if (mine->next >= mine->base && mine->next - mine->base < AHEAD / 2)
        return;
    memset(mine->slots, 0, sizeof mine->slots);
    mine->base = mine->next;
    for (uint64_t i = 0; i < AHEAD; i++) {
        uint8_t tag[LEAF_TAG_BYTES];
        leaf_tag(&mine->key, mine->base + i, tag);
        struct slot *slot = slot_of(mine, tag);
        slot->used = true;
        slot->number = mine->base + i;
        memcpy(slot->tag, tag, sizeof tag);
    }
}

static enum sl_err take_number(struct mine *mine, uint64_t index, uint64_t number)
{
    if (number < mine->next) {
        const struct mine_fault fault = {MINE_OUT_OF_TURN, 0, index, number, number};
        SL_TRY(add_fault(mine, &fault));
    }
    if (number > mine->next) {
        const struct mine_fault fault = {MINE_MISSING, 0, index, mine->next, number - 1};
        SL_TRY(add_fault(mine, &fault));
    }
    uint64_t *newer = grown(mine->newer, mine->n_newer, &mine->newer_cap, sizeof *newer);
    if (!newer)
        return SL_EINTERNAL;
    mine->newer = newer;
    newer[mine->n_newer++] = index;
    mine->next = number < mine->next ? mine->next : number + 1;
    mine->result.n_found++;
    return SL_OK;
}

enum sl_err mine_take(struct mine *mine, uint64_t index, const struct leaf *leaf, bool *is_mine,
                      uint64_t *number)
{
    uint8_t tag[LEAF_TAG_BYTES];
    *is_mine = false;
    if (!leaf_kind_has_subject(leaf->kind))
        return SL_OK;
    look_ahead(mine);
    SL_ASSERT(base64url_decode(leaf->tag, tag, sizeof tag)); /* leaf_parse() saw to it */
    const struct slot *slot = slot_of(mine, tag);
    if (!slot->used)
        return SL_OK;
    SL_TRY(take_number(mine, index, slot->number));
    mine->result.erased = leaf->kind == LEAF_ERASURE;
    *is_mine = true;
    *number = slot->number;
    return SL_OK;
}

/* ---------------------------------------------------------------------------------- heads -- */

/* How many of the subject's receipts since the last epoch come before `end`; they are over. */
static uint64_t take_covered(struct mine *mine, uint64_t end)
{
    size_t n = 0;
    while (n < mine->n_newer && mine->newer[n] < end)
        n++;
    memmove(mine->newer, mine->newer + n, (mine->n_newer - n) * sizeof *mine->newer);
    mine->n_newer -= n;
    return n;
}

enum heads_check mine_take_heads(struct mine *mine, uint64_t index, const struct leaf_heads *heads,
                                 struct heads_file *file)
{
    uint8_t label[HEADS_LABEL_BYTES];
    struct heads_place place;
    heads_label(&mine->key, heads->epoch, label);
    enum heads_check check = heads_file_find(file, label, &place);
    if (check != HEADS_SOUND)
        return check;
    uint64_t n = take_covered(mine, heads->end);
    struct mine_result *result = &mine->result;
    result->n_epochs++;
    result->end = heads->end;
    result->end_time_ms = heads->time_ms;
    result->n_epochs_active += place.found || n > 0;
    if (!place.found) {
        result->has_absence = true;
        result->absent_epoch = heads->epoch;
        result->absent_after = place.n_before;
        result->absent_entries = heads->n_entries;
    }
    if (place.delta == n)
        return HEADS_SOUND;
    const struct mine_fault fault = {place.delta > n ? MINE_TOO_FEW : MINE_TOO_MANY, heads->epoch,
                                     index, place.delta, n};
    return add_fault(mine, &fault) == SL_OK ? HEADS_SOUND : HEADS_UNREADABLE;
}

/* ---------------------------------------------------------------------------------- words -- */

static void write_receipts(struct writer *writer, uint64_t n)
{
    write_decimal(writer, n);
    write_str(writer, " ");
    write_str(writer, plural(n, "receipt", "receipts"));
}

void mine_fault_write(const struct mine_fault *fault, struct writer *writer)
{
    switch (fault->kind) {
    case MINE_MISSING:
        write_str(writer, fault->first == fault->last ? "your receipt with number "
                                                      : "your receipts with numbers ");
        write_decimal(writer, fault->first);
        if (fault->first != fault->last) {
            write_str(writer, " to ");
            write_decimal(writer, fault->last);
        }
        write_str(writer, fault->first == fault->last ? " is" : " are");
        write_str(writer, " missing: receipt ");
        write_decimal(writer, fault->index);
        write_str(writer, " has number ");
        write_decimal(writer, fault->last + 1);
        break;
    case MINE_OUT_OF_TURN:
        write_str(writer, "receipt ");
        write_decimal(writer, fault->index);
        write_str(writer, " has your number ");
        write_decimal(writer, fault->first);
        write_str(writer, ", out of turn: once more, or after higher ones");
        break;
    case MINE_TOO_FEW:
    case MINE_TOO_MANY:
        write_str(writer, "the heads of epoch ");
        write_decimal(writer, fault->epoch);
        write_str(writer, " account for ");
        write_receipts(writer, fault->first);
        write_str(writer, " of yours, but the ledger has ");
        write_decimal(writer, fault->last);
        write_str(writer, fault->kind == MINE_TOO_FEW ? ": some are missing"
                                                      : ": some are not accounted for");
        break;
    }
}
