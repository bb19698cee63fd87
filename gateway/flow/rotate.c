/*
 * rotate.c - from the prepared key to the one in use, in an order that survives a crash at any step
 *
 * The steps on disk, and why each can be taken again, are in ledger/keyring.c; what is between them
 * is here: the receipt. The recorder takes the new key over in memory at the receipt's place in the
 * sequence, before it tells anybody.
 */
#include "flow/rotate.h"

#include "base/timestamp.h"
#include "config/keys.h"
#include "flow/change.h"
#include "ledger/keyring.h"

#include <stdio.h>
#include <string.h>

struct rotating {
    char key_file[KEYS_PATH_BYTES], vkey_file[KEYS_PATH_BYTES];
    struct keyring keyring;
};

static enum sl_err say(struct rotation *rotation, const char *text)
{
    snprintf(rotation->text, sizeof rotation->text, "%s", text);
    return SL_ESTORE;
}

/* What an earlier rotation could not finish on disk comes first. */
static enum sl_err follow_ledger(struct node *node, const struct rotating *rotating,
                                 struct rotation *rotation)
{
    char vkey[RECORDER_VKEY_BYTES_MAX];
    struct note_problem problem = {""};
    recorder_vkey(node->recorder, vkey);
    enum sl_err err = keyring_follow(&rotating->keyring, slice_of_str(vkey),
                                     recorder_n_keys(node->recorder), &problem);
    return err == SL_OK ? SL_OK : say(rotation, problem.text);
}

static enum sl_err begin(struct node *node, struct rotating *rotating, struct rotation *rotation)
{
    const char *state = node->config->state_folder;
    memset(rotation, 0, sizeof *rotation);
    if (keys_path(state, STATE_LEDGER_KEY, rotating->key_file) != SL_OK ||
        keys_path(state, STATE_LEDGER_VKEY, rotating->vkey_file) != SL_OK)
        return say(rotation, "the path of the state folder is too long");
    rotating->keyring =
        (struct keyring){rotating->key_file, rotating->vkey_file, node->config->origin};
    return follow_ledger(node, rotating, rotation);
}

/* The prepared key, or one that is drawn now. */
static enum sl_err open_next(struct node *node, const struct rotating *rotating,
                             struct rotation *rotation, struct note_signer **next)
{
    struct note_problem problem = {"out of memory"};
    if (keyring_next_open(&rotating->keyring, &problem, next) != SL_OK)
        return say(rotation, problem.text);
    recorder_vkey(node->recorder, rotation->old_vkey);
    snprintf(rotation->new_vkey, sizeof rotation->new_vkey, "%s", note_signer_vkey(*next));
    return SL_OK;
}

enum sl_err rotate_prepare(struct node *node, struct rotation *rotation)
{
    struct rotating rotating;
    SL_AUTO(note_signer) next = NULL;
    SL_TRY(begin(node, &rotating, rotation));
    SL_TRY(open_next(node, &rotating, rotation, &next));
    rotation->is_unknown = trust_file_lacks(node->config, TRUST_FILE_NEXT,
                                            slice_of_str(rotation->new_vkey), &rotation->warning);
    return SL_OK;
}

enum sl_err rotate_discard(struct node *node, struct rotation *rotation, bool *was_there)
{
    struct rotating rotating;
    struct note_problem problem;
    SL_TRY(begin(node, &rotating, rotation));
    if (keyring_next_destroy(&rotating.keyring, &problem, was_there) != SL_OK)
        return say(rotation, problem.text);
    return SL_OK;
}

/* *next is the recorder's when the receipt is durable. */
static enum sl_err record_rotation(struct node *node, struct note_signer **next,
                                   struct rotation *rotation)
{
    struct record record = {.kind = RECORD_NODE, .next_signer = *next};
    const struct leaf_key leaf = {.time_ms = clock_now_ms(),
                                  .old_vkey = slice_of_str(rotation->old_vkey),
                                  .new_vkey = slice_of_str(rotation->new_vkey)};
    if (leaf_draft_key(&leaf, &record.leaf) != SL_OK)
        return say(rotation, "the ledger's name can't stand in a receipt (it has a quote, a "
                             "backslash or letters beyond ASCII), so its key can't be changed");
    if (change_record(node->recorder, &record) != SL_OK)
        return say(rotation, "the recorder can't take the receipt now; try again");
    switch (record.outcome) {
    case RECORD_DURABLE:
        *next = NULL;
        rotation->receipt = record.index;
        return SL_OK;
    case RECORD_FULL:
        return say(rotation, "there is no room for the receipt; make room on the disk of the "
                             "state folder, then try again");
    case RECORD_REJECTED:
        return say(rotation, "the ledger has another key by now, or has had as many as it can; "
                             "`sluis status` tells");
    case RECORD_STALE:
    case RECORD_DENIED:
    case RECORD_FAILED:
        break;
    }
    return say(rotation, recorder_failure(node->recorder));
}

enum sl_err rotate_key(struct node *node, struct rotation *rotation)
{
    struct rotating rotating;
    SL_AUTO(note_signer) next = NULL;
    SL_TRY(begin(node, &rotating, rotation));
    SL_TRY(open_next(node, &rotating, rotation, &next));
    SL_TRY(record_rotation(node, &next, rotation));
    /* The ledger has gone over: what fails on disk now is told, and does not undo it. */
    (void)follow_ledger(node, &rotating, rotation);
    rotation->is_unknown = trust_file_lacks(node->config, TRUST_FILE_IN_USE,
                                            slice_of_str(rotation->new_vkey), &rotation->warning);
    return SL_OK;
}
