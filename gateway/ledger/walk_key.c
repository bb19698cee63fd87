/*
 * walk_key.c - a change of key is believed when the old key says so, and then it binds
 *
 *     batch signed by K1 | batch signed by K1        | batch signed by K2 | ...
 *                        | .. {"kind":"key",         |   K1 means nothing
 *                        |     "old":K1,"new":K2}    |   from here on
 *
 * A key receipt is the last of its batch, so no checkpoint leaves it open which key is in force.
 * What it names as old must be the key in force, letter by letter, and the new one another key of
 * the same name. Whoever has the first key can follow all changes; nobody else's word is needed.
 *
 * Whoever has only a later key can check as much of the receipts: the checkpoints under that key
 * are over all of them. What stays open is who signed the checkpoints before, and it is said.
 */
#include "ledger/walk_key.h"

#include "ledger/note_lines.h"
#include "ledger/vkey_list.h"

#include <string.h>

/* A vkey has one text. */
static bool is_text_of(struct slice text, const struct vkey *vkey)
{
    char canonical[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(canonical, sizeof canonical);
    write_vkey(&writer, vkey->name, vkey->key);
    return slice_equals(text, writer_slice(&writer));
}

static bool is_another_key(struct slice text, const struct vkey *in_force)
{
    struct vkey key;
    return vkey_parse(text, &key) == SL_OK && key.type == VKEY_ED25519 && is_text_of(text, &key) &&
           slice_equals(key.name, in_force->name) &&
           memcmp(key.key, in_force->key, sizeof key.key) != 0;
}

static enum walk_step stop(struct walk *walk, const struct batch_key *key, const char *what)
{
    enum walk_step step = walk_stop(walk, WALK_DAMAGED, key->offset, "receipt %llu %s",
                                    (unsigned long long)key->index, what);
    walk->problem.receipt = key->index;
    return step;
}

/* The ledger comes to one of the caller's keys. */
static enum walk_step open_awaited(struct walk *walk, const struct batch_key *key,
                                   struct note_verifier **next)
{
    struct vkey found;
    size_t place;
    if (!walk->awaited || vkey_parse(key->leaf.new_vkey, &found) != SL_OK ||
        !vkey_list_find(walk->awaited, &found, &place))
        return WALK_BATCH;
    return note_verifier_new(key->leaf.new_vkey, next) == SL_OK
               ? WALK_BATCH
               : walk_stop(walk, WALK_UNREADABLE, key->offset, "out of memory");
}

enum walk_step walk_check_key(struct walk *walk, const struct batch *batch,
                              const struct batch_proof *proof, struct note_verifier **next)
{
    const struct batch_key *key = &proof->key;
    struct vkey in_force;
    if (!key->found)
        return WALK_BATCH;
    note_verifier_vkey(walk->verifier, &in_force);
    if (key->index != batch->first_index + batch->n_receipts - 1)
        return stop(walk, key, "goes over to another key, and is not the last of its batch");
    if (walk->is_before_key)
        return open_awaited(walk, key, next);
    if (!is_text_of(key->leaf.old_vkey, &in_force))
        return stop(walk, key, "goes over from a key that is not the one in force");
    if (!is_another_key(key->leaf.new_vkey, &in_force))
        return stop(walk, key, "goes over to what is no other key of this ledger");
    if (note_verifier_new(key->leaf.new_vkey, next) != SL_OK)
        return walk_stop(walk, WALK_UNREADABLE, key->offset, "out of memory");
    return WALK_BATCH;
}

void walk_go_over(struct walk *walk, const struct batch_proof *proof, struct note_verifier *next)
{
    struct vkey key;
    if (next) {
        note_verifier_free(walk->own_verifier);
        walk->verifier = walk->own_verifier = next;
    }
    note_verifier_vkey(walk->verifier, &key);
    if (walk->is_before_key && is_text_of(proof->key.leaf.new_vkey, &key))
        walk->is_before_key = false;
    walk->key_receipt = proof->key.index;
    walk->n_key_changes++;
}

bool walk_note_of_other(struct slice note, struct slice *text, size_t *n_signatures)
{
    struct note_lines lines;
    struct note_line line;
    enum note_line_step step;
    if (!note_lines_open(note, &lines))
        return false;
    while ((step = note_lines_next(&lines, &line)) == NOTE_LINE)
        continue;
    *text = lines.text;
    *n_signatures = lines.n;
    return step == NOTE_LINES_END;
}

bool walk_is_key_in_force(const struct walk *walk, const struct batch_proof *proof)
{
    struct vkey in_force;
    note_verifier_vkey(walk->verifier, &in_force);
    return memcmp(proof->signer, in_force.key, sizeof proof->signer) == 0;
}
