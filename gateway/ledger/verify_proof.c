/*
 * verify_proof.c - the public face of proofs: text in, one of three answers out
 *
 *     trust  ──▶  is each checkpoint a note that our log signed, and enough witnesses with it?
 *     proof  ──▶  does the leaf, or the old root, lead to the new root?
 *
 * The order matters for what is said, not for what is accepted: nothing of a checkpoint is used
 * before its signatures hold. A key or policy that can't be read is the caller's mistake and not
 * the proof's, so the answer is then "unchecked", never "invalid".
 */
#include <sluis/verify.h>

#include "base/log.h"
#include "ledger/checkpoint.h"
#include "ledger/note_lines.h"
#include "ledger/proof.h"
#include "ledger/tlog_policy.h"
#include "ledger/tlog_proof.h"
#include "ledger/tree.h"
#include "ledger/vkey_list.h"

#include <stdio.h>
#include <string.h>

static enum sluis_verify_result fail(struct sluis_proof_report *report,
                                     enum sluis_verify_result result, const char *text)
{
    memset(report, 0, sizeof *report);
    text_make_printable(slice_of_str(text), report->problem, sizeof report->problem);
    return result;
}

static enum sluis_verify_result invalid(struct sluis_proof_report *report, const char *text)
{
    return fail(report, SLUIS_VERIFY_INVALID, text);
}

static enum sluis_verify_result unchecked(struct sluis_proof_report *report, const char *text)
{
    return fail(report, SLUIS_VERIFY_UNCHECKED, text);
}

/* ----------------------------------------------------------------------------------- trust -- */

static const char *policy_check_text(enum tlog_policy_check check)
{
    switch (check) {
    case TLOG_POLICY_HOLDS:
        break;
    case TLOG_POLICY_MALFORMED:
        return "the checkpoint is not a signed note";
    case TLOG_POLICY_BAD_SIGNATURE:
        return "a signature of the checkpoint does not hold";
    case TLOG_POLICY_OTHER_LOG:
        return "the checkpoint is not signed by a log that is trusted";
    case TLOG_POLICY_NO_QUORUM:
        return "too few of the trusted witnesses have signed the checkpoint";
    }
    return "";
}

/* So that two names leave room for what to do. */
static struct slice shortened(struct slice name)
{
    const size_t n_max = 50;
    return slice_of(name.p, name.n < n_max ? name.n : n_max);
}

/*
 * Not signed by a log that is trusted: by one of its name, perhaps? Then the ledger may have gone
 * over to another key, and somebody has to be told where that is written. The size is only what the
 * checkpoint says.
 */
static enum sluis_verify_result other_log(const struct vkey *logs, size_t n_logs, struct slice note,
                                          struct sluis_proof_report *report)
{
    struct note_lines lines;
    struct note_line line;
    struct checkpoint checkpoint;
    bool has_same_name = false;
    if (n_logs == 0 || !note_lines_open(note, &lines) ||
        checkpoint_parse_extended(lines.text, &checkpoint) != SL_OK)
        return invalid(report, policy_check_text(TLOG_POLICY_OTHER_LOG));
    while (!has_same_name && note_lines_next(&lines, &line) == NOTE_LINE)
        for (size_t i = 0; i < n_logs; i++)
            has_same_name = has_same_name || (slice_equals(line.name, logs[i].name) &&
                                              slice_equals(line.name, checkpoint.origin));
    char text[sizeof report->problem];
    if (!has_same_name) {
        snprintf(text, sizeof text,
                 "the checkpoint is of the log \"%.*s\" and not signed by one that is trusted: "
                 "\"%.*s\"%s; use the key, or the trust file, of that log",
                 SLICE_PRINTF(shortened(checkpoint.origin)), SLICE_PRINTF(shortened(logs[0].name)),
                 n_logs > 1 ? ", among others" : "");
        return invalid(report, text);
    }
    snprintf(
        text, sizeof text,
        "the checkpoint is signed with a key of this name that was not given, of hash "
        "%02x%02x%02x%02x: it is another ledger's, or this one went over to it; then a "
        "receipt of kind key before receipt %llu says so, and its ledger.vkey of today lists it",
        line.key_id[0], line.key_id[1], line.key_id[2], line.key_id[3],
        (unsigned long long)checkpoint.size);
    (void)invalid(report, text);
    report->is_other_key = true;
    return SLUIS_VERIFY_INVALID;
}

static enum sluis_verify_result check_note(const struct tlog_policy *policy, struct slice note,
                                           struct tlog_policy_found *found,
                                           struct sluis_proof_report *report)
{
    enum tlog_policy_check check = tlog_policy_check(policy, note, found);
    if (check == TLOG_POLICY_HOLDS)
        return SLUIS_VERIFY_VALID;
    if (check == TLOG_POLICY_OTHER_LOG)
        return other_log(policy->logs, policy->n_logs, note, report);
    return invalid(report, policy_check_text(check));
}

/* Under any one of the keys, and under no other of them that does not hold. */
static enum sluis_verify_result check_vkeys(const char *text, struct slice note,
                                            struct tlog_policy_found *found, size_t *place,
                                            struct sluis_proof_report *report)
{
    struct vkey_list keys;
    size_t line;
    if (vkey_list_parse(slice_of_str(text), &keys, &line) != SL_OK)
        return unchecked(report, "the key is not an Ed25519 verifier key of a log (\"name+8 "
                                 "hexadecimal digits+base64\"; of several, one a line)");
    struct tlog_policy policy;
    tlog_policy_of_log(&keys.keys[0], &policy);
    enum tlog_policy_check check = TLOG_POLICY_OTHER_LOG;
    for (size_t i = 0; i < keys.n && check == TLOG_POLICY_OTHER_LOG; i++) {
        policy.logs[0] = keys.keys[i];
        check = tlog_policy_check(&policy, note, found);
        *place = i;
    }
    if (check == TLOG_POLICY_OTHER_LOG)
        return other_log(keys.keys, keys.n, note, report);
    return check == TLOG_POLICY_HOLDS ? SLUIS_VERIFY_VALID
                                      : invalid(report, policy_check_text(check));
}

static enum sluis_verify_result check_policy(const struct sluis_trust *trust, struct slice note,
                                             struct tlog_policy_found *found,
                                             struct sluis_proof_report *report)
{
    struct tlog_policy policy;
    struct tlog_policy_problem problem = {"", 0};
    if (tlog_policy_parse(slice_of(trust->policy, trust->policy_bytes), &problem, &policy) !=
        SL_OK) {
        char text[256];
        snprintf(text, sizeof text, "the trust file can't be used: line %zu: %s", problem.line,
                 problem.text);
        return unchecked(report, text);
    }
    if (policy.n_logs == 0 && !trust->vkey)
        return unchecked(report, "the trust file names no log, and there is no key");
    return check_note(&policy, note, found, report);
}

/* A checkpoint that holds under the vkey and under the policy, as far as they are given. */
static enum sluis_verify_result check_checkpoint(const struct sluis_trust *trust, struct slice note,
                                                 struct checkpoint *checkpoint,
                                                 struct sluis_proof_report *report)
{
    struct tlog_policy_found found = {0};
    size_t key = 0;
    enum sluis_verify_result result = SLUIS_VERIFY_VALID;
    if (!trust->vkey && !trust->policy)
        return unchecked(report, "there is neither a key nor a trust file");
    if (trust->vkey)
        result = check_vkeys(trust->vkey, note, &found, &key, report);
    if (result == SLUIS_VERIFY_VALID && trust->policy)
        result = check_policy(trust, note, &found, report);
    if (result != SLUIS_VERIFY_VALID)
        return result;
    if (checkpoint_parse_extended(found.text, checkpoint) != SL_OK ||
        checkpoint->origin.n >= sizeof report->origin)
        return invalid(report, "the signed note is not a checkpoint");
    *report = (struct sluis_proof_report){.key = key,
                                          .size = checkpoint->size,
                                          .n_witnesses = found.n_witnesses,
                                          .oldest_cosigned_s = found.oldest_time_s};
    memcpy(report->origin, checkpoint->origin.p, checkpoint->origin.n);
    memcpy(report->root, checkpoint->root, sizeof report->root);
    return SLUIS_VERIFY_VALID;
}

enum sluis_verify_result sluis_verify_checkpoint(const void *checkpoint, size_t checkpoint_bytes,
                                                 const struct sluis_trust *trust,
                                                 struct sluis_proof_report *report)
{
    struct checkpoint parsed;
    return check_checkpoint(trust, slice_of(checkpoint, checkpoint_bytes), &parsed, report);
}

/* ----------------------------------------------------------------------------------- proofs -- */

static struct proof_head head_of(const struct checkpoint *checkpoint)
{
    return (struct proof_head){checkpoint->size, checkpoint->root};
}

static const char *inclusion_text(enum proof_check check)
{
    switch (check) {
    case PROOF_HOLDS:
        break;
    case PROOF_IMPOSSIBLE:
        return "the index is not in a tree of the checkpoint's size";
    case PROOF_WRONG_LENGTH:
        return "a proof for this index and size has another number of hashes";
    case PROOF_OTHER_ROOT:
        return "the leaf does not lead to the checkpoint's root: it is not the receipt at this "
               "index, or the proof is of another";
    }
    return "";
}

enum sluis_verify_result sluis_verify_proof(const void *proof, size_t proof_bytes, const void *leaf,
                                            size_t leaf_bytes, const struct sluis_trust *trust,
                                            struct sluis_proof_report *report)
{
    struct tlog_proof parsed;
    if (tlog_proof_parse(slice_of(proof, proof_bytes), &parsed) != SL_OK)
        return invalid(report, "it is not a proof of the form c2sp.org/tlog-proof@v1");
    struct checkpoint checkpoint;
    enum sluis_verify_result result =
        check_checkpoint(trust, parsed.checkpoint, &checkpoint, report);
    if (result != SLUIS_VERIFY_VALID)
        return result;
    uint8_t leaf_hash[SHA256_BYTES];
    tree_leaf_hash(slice_of(leaf, leaf_bytes), leaf_hash);
    enum proof_check check =
        proof_inclusion_verify(&parsed.proof, parsed.index, leaf_hash, head_of(&checkpoint));
    if (check != PROOF_HOLDS)
        return invalid(report, inclusion_text(check));
    report->index = parsed.index;
    return SLUIS_VERIFY_VALID;
}

static const char *consistency_text(enum proof_check check)
{
    switch (check) {
    case PROOF_HOLDS:
        break;
    case PROOF_IMPOSSIBLE:
        return "the old checkpoint must be of a smaller tree than the new one, and not of an "
               "empty one";
    case PROOF_WRONG_LENGTH:
        return "a proof for these two sizes has another number of hashes";
    case PROOF_OTHER_ROOT:
        return "the new tree did not grow out of the old one, or the proof is of others";
    }
    return "";
}

enum sluis_verify_result sluis_verify_consistency(const void *old_checkpoint, size_t old_bytes,
                                                  const void *new_checkpoint, size_t new_bytes,
                                                  const uint8_t (*hashes)[32], size_t n_hashes,
                                                  const struct sluis_trust *trust,
                                                  struct sluis_proof_report *report)
{
    struct checkpoint old_one, new_one;
    enum sluis_verify_result result =
        check_checkpoint(trust, slice_of(old_checkpoint, old_bytes), &old_one, report);
    size_t old_key = report->key;
    if (result == SLUIS_VERIFY_VALID)
        result = check_checkpoint(trust, slice_of(new_checkpoint, new_bytes), &new_one, report);
    if (result != SLUIS_VERIFY_VALID)
        return result;
    if (report->key < old_key)
        return invalid(report, "the new checkpoint is signed with a key that had been replaced by "
                               "then: the old one is under a newer key (the key file lists the "
                               "oldest first)");
    if (!slice_equals(old_one.origin, new_one.origin))
        return invalid(report, "the two checkpoints are of two logs");
    struct proof proof = {.n_hashes = n_hashes};
    enum proof_check check = PROOF_WRONG_LENGTH;
    if (n_hashes <= PROOF_CONSISTENCY_HASHES_MAX) {
        if (n_hashes > 0)
            memcpy(proof.hashes, hashes, n_hashes * SHA256_BYTES);
        check = proof_consistency_verify(&proof, head_of(&old_one), head_of(&new_one));
    }
    if (check != PROOF_HOLDS)
        return invalid(report, consistency_text(check));
    report->old_size = old_one.size;
    return SLUIS_VERIFY_VALID;
}
