/*
 * tlog_policy_check.c - a note against a trust file: who signed, and is it enough
 *
 * First each signature line: of a known key it must hold, of any other it is passed over. Then the
 * list of witnesses and groups is gone through once, from the first line on: a witness that has
 * signed, or a group with enough members that have, counts for the group it is a member of.
 */
#include "base/reader.h"
#include "ledger/cosignature.h"
#include "ledger/note_lines.h"
#include "ledger/tlog_policy.h"

#include <string.h>

struct checking {
    const struct tlog_policy *policy;
    struct slice text, origin;
    bool log_signed;
    bool witness_signed[TLOG_POLICY_WITNESSES_MAX];
    size_t n_witnesses;
    uint64_t oldest_time_s;
};

static const struct vkey *find_key(const struct vkey *keys, size_t n_keys,
                                   const struct note_line *line, size_t *place)
{
    for (size_t i = 0; i < n_keys; i++) {
        if (slice_equals(keys[i].name, line->name) &&
            memcmp(keys[i].id, line->key_id, NOTE_KEY_ID_BYTES) == 0) {
            *place = i;
            return &keys[i];
        }
    }
    return NULL;
}

static bool log_line_holds(struct checking *checking, const struct vkey *log,
                           const struct note_line *line)
{
    if (line->signature_n != NOTE_SIGNATURE_BYTES ||
        !vkey_verify(log, checking->text, line->signature))
        return false;
    /* tlog-policy: the key's name is the origin of the log that it may speak for. */
    checking->log_signed |= slice_equals(log->name, checking->origin);
    return true;
}

static bool witness_line_holds(struct checking *checking, const struct vkey *witness, size_t place,
                               const struct note_line *line)
{
    uint64_t time_s;
    if (!cosignature_verify(witness, checking->text, slice_of(line->signature, line->signature_n),
                            &time_s))
        return false;
    if (!checking->witness_signed[place])
        checking->n_witnesses++;
    checking->witness_signed[place] = true;
    if (checking->n_witnesses == 1 || time_s < checking->oldest_time_s)
        checking->oldest_time_s = time_s;
    return true;
}

static bool line_holds(struct checking *checking, const struct note_line *line)
{
    const struct tlog_policy *policy = checking->policy;
    size_t place = 0;
    const struct vkey *log = find_key(policy->logs, policy->n_logs, line, &place);
    if (log)
        return log_line_holds(checking, log, line);
    const struct vkey *witness = find_key(policy->witnesses, policy->n_witnesses, line, &place);
    return !witness || witness_line_holds(checking, witness, place, line);
}

bool tlog_policy_has_quorum(const struct tlog_policy *policy,
                            const bool signed_by[TLOG_POLICY_WITNESSES_MAX])
{
    if (policy->quorum == TLOG_POLICY_NO_NODE)
        return true;
    uint16_t n_spoken[TLOG_POLICY_NODES_MAX] = {0}; /* of a group's members */
    for (int16_t i = 0; i <= policy->quorum; i++) {
        const struct tlog_policy_node *node = &policy->nodes[i];
        bool speaks =
            node->witness >= 0 ? signed_by[node->witness] : n_spoken[i] >= node->threshold;
        if (speaks && i == policy->quorum)
            return true;
        if (speaks && node->parent != TLOG_POLICY_NO_NODE)
            n_spoken[node->parent]++;
    }
    return false;
}

enum tlog_policy_check tlog_policy_check(const struct tlog_policy *policy, struct slice note,
                                         struct tlog_policy_found *out)
{
    struct note_lines lines;
    struct note_line line;
    if (!note_lines_open(note, &lines))
        return TLOG_POLICY_MALFORMED;
    struct reader reader = reader_over(lines.text);
    struct checking checking = {
        .policy = policy, .text = lines.text, .origin = read_until(&reader, '\n')};
    bool all_hold = true;
    enum note_line_step step;
    while ((step = note_lines_next(&lines, &line)) == NOTE_LINE)
        all_hold = all_hold && line_holds(&checking, &line);
    if (step == NOTE_LINE_MALFORMED)
        return TLOG_POLICY_MALFORMED;
    if (!all_hold)
        return TLOG_POLICY_BAD_SIGNATURE;
    if (policy->n_logs > 0 && !checking.log_signed)
        return TLOG_POLICY_OTHER_LOG;
    if (!tlog_policy_has_quorum(policy, checking.witness_signed))
        return TLOG_POLICY_NO_QUORUM;
    *out = (struct tlog_policy_found){checking.text, checking.n_witnesses, checking.oldest_time_s};
    return TLOG_POLICY_HOLDS;
}
