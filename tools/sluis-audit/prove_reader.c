/*
 * prove_reader.c - one receipt, one tile, and the hashes above it
 */
#include "prove_reader.h"

#include "base/apart.h"
#include "commands.h"
#include "ledger/folder_reader.h"
#include "remote.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Leaf and proof of a receipt that the head covers. */
static enum sl_err prove(struct ledger_reader *reader, const struct ledger_head *head,
                         uint64_t index, uint64_t size_max, struct proven *proven)
{
    struct slice leaf;
    proven->n_receipts = head->tree.size;
    proven->size = size_max < head->tree.size ? size_max : head->tree.size;
    proven->is_there = index < proven->size;
    if (!proven->is_there)
        return SL_OK;
    SL_TRY(ledger_reader_root(reader, head, proven->size, proven->root));
    SL_TRY(ledger_reader_inclusion(reader, head, index, proven->size, &proven->proof));
    SL_TRY(ledger_reader_leaf(reader, head, index, &leaf));
    SL_ASSERT(leaf.n <= sizeof proven->leaf);
    memcpy(proven->leaf, leaf.p, leaf.n);
    proven->leaf_n = leaf.n;
    return SL_OK;
}

enum sluis_verify_result prove_by_tiles(struct ledger_source *source, uint64_t index,
                                        uint64_t size_max, struct ledger_problem *problem,
                                        struct proven *out)
{
    SL_AUTO(remote) remote = NULL;
    enum sluis_verify_result result = remote_open(source, problem, &remote);
    if (result != SLUIS_VERIFY_VALID)
        return result;
    remote_describe(remote, source);
    const struct ledger_head *head = remote_head(remote);
    if (prove(remote_reader(remote), head, index, size_max, out) != SL_OK) {
        snprintf(problem->text, sizeof problem->text, "%s",
                 ledger_reader_problem(remote_reader(remote)));
        return remote_result(remote);
    }
    kept_note_set(&out->note, head->tree.size, remote_note(remote));
    return SLUIS_VERIFY_VALID;
}

/* -------------------------------------------------------------------------------- by an index --
 */

struct asking {
    const struct ledger_source *source;
    char index_folder[LEDGER_PATH_BYTES];
    uint64_t index, size_max;
};

/* What comes back from the child. */
struct asked {
    bool is_proven;
    struct ledger_problem problem;
    struct proven proven;
};

/* In the child. */
static void ask(void *context, void *answer)
{
    const struct asking *asking = context;
    struct asked *asked = answer;
    struct ledger_reader *reader = NULL;
    static struct ledger_head head;
    static struct vkey_list keys;
    size_t line;
    enum sl_err err = vkey_list_parse(slice_of_str(asking->source->vkey), &keys, &line);
    snprintf(asked->problem.text, sizeof asked->problem.text, "the key can't be used");
    if (err == SL_OK)
        err = folder_reader_open(asking->source->folder, asking->index_folder, &keys,
                                 &asked->problem, &reader);
    if (err != SL_OK)
        return;
    ledger_reader_head(reader, &head);
    err = prove(reader, &head, asking->index, asking->size_max, &asked->proven);
    asked->is_proven = err == SL_OK;
    snprintf(asked->problem.text, sizeof asked->problem.text, "%s", ledger_reader_problem(reader));
    kept_note_set(&asked->proven.note, head.tree.size, slice_of(head.note, head.note_n));
}

/* False when there is none. */
static bool find_index(struct asking *asking)
{
    const char *given = asking->source->cli->values[KEY_INDEX];
    int n = snprintf(asking->index_folder, sizeof asking->index_folder, "%s%s",
                     given ? given : asking->source->folder, given ? "" : "/../index");
    char data[LEDGER_PATH_BYTES + 16];
    snprintf(data, sizeof data, "%s/data.mdb", asking->index_folder);
    return n < LEDGER_PATH_BYTES && (given || access(data, R_OK) == 0);
}

/* The child is believed in nothing: does its proof hold under a checkpoint that is signed? */
static bool holds(struct ledger_source *source, const struct asking *asking,
                  const struct proven *proven, struct ledger_problem *problem)
{
    const struct sluis_trust trust = {.vkey = source->vkey};
    struct sluis_proof_report report;
    uint8_t hash[SHA256_BYTES];
    snprintf(problem->text, sizeof problem->text, "its proof does not hold");
    if (proven->note.n > sizeof proven->note.bytes || proven->leaf_n > sizeof proven->leaf ||
        proven->proof.n_hashes > PROOF_INCLUSION_HASHES_MAX)
        return false;
    if (sluis_verify_checkpoint(proven->note.bytes, proven->note.n, &trust, &report) !=
        SLUIS_VERIFY_VALID) {
        snprintf(problem->text, sizeof problem->text, "%s", report.problem);
        return false;
    }
    if (report.size != proven->n_receipts)
        return false;
    snprintf(source->origin, sizeof source->origin, "%s", report.origin);
    if (!proven->is_there)
        return asking->index >= report.size || asking->index >= asking->size_max;
    bool is_newest = proven->size == report.size;
    if (is_newest && memcmp(proven->root, report.root, sizeof report.root) != 0)
        return false;
    tree_leaf_hash(slice_of(proven->leaf, proven->leaf_n), hash);
    return proof_inclusion_verify(&proven->proof, asking->index, hash,
                                  (struct proof_head){proven->size, proven->root}) == PROOF_HOLDS;
}

bool prove_by_index(struct ledger_source *source, uint64_t index, uint64_t size_max,
                    struct ledger_problem *problem, struct proven *out)
{
    struct asking asking = {.source = source, .index = index, .size_max = size_max};
    static struct asked asked;
    bool came_back = false;
    problem->text[0] = 0;
    if (!find_index(&asking))
        return false;
    if (apart_run(ask, &asking, &asked, sizeof asked, &came_back) != SL_OK || !came_back) {
        snprintf(problem->text, sizeof problem->text, "the index in %.400s can't be read",
                 asking.index_folder);
        return false;
    }
    asked.problem.text[sizeof asked.problem.text - 1] = 0;
    if (!asked.is_proven) {
        *problem = asked.problem;
        return false;
    }
    if (!holds(source, &asking, &asked.proven, problem))
        return false;
    *out = asked.proven;
    return true;
}
