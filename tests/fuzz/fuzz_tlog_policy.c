/*
 * fuzz_tlog_policy.c - any text as a trust file
 *
 * Property: what is accepted has a form that evaluation can rest on: members before their group,
 * each a member once, thresholds within reach, no key twice. A note that nobody signed holds under
 * it only when it asks for nobody.
 */
#include "ledger/tlog_policy.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_nodes(const struct tlog_policy *policy)
{
    uint16_t n_members[TLOG_POLICY_NODES_MAX] = {0};
    SL_ASSERT(policy->n_nodes == policy->n_witnesses + policy->n_groups);
    for (size_t i = 0; i < policy->n_nodes; i++) {
        const struct tlog_policy_node *node = &policy->nodes[i];
        SL_ASSERT(node->name.n > 0);
        SL_ASSERT(node->parent == TLOG_POLICY_NO_NODE ||
                  (node->parent > (int16_t)i && node->parent < (int16_t)policy->n_nodes));
        if (node->parent != TLOG_POLICY_NO_NODE)
            n_members[node->parent]++;
        SL_ASSERT(node->witness < (int16_t)policy->n_witnesses);
        if (node->witness >= 0)
            continue;
        SL_ASSERT(n_members[i] == node->n_members);
        SL_ASSERT(node->threshold >= 1 && node->threshold <= node->n_members);
    }
    SL_ASSERT(policy->quorum >= TLOG_POLICY_NO_NODE && policy->quorum < (int16_t)policy->n_nodes);
}

static void check_keys(const struct vkey *keys, size_t n, enum vkey_type type)
{
    for (size_t i = 0; i < n; i++) {
        SL_ASSERT(keys[i].type == type);
        for (size_t j = 0; j < i; j++)
            SL_ASSERT(memcmp(keys[i].key, keys[j].key, sizeof keys[i].key) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char note[] = "o\n1\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n\n"
                               "\xe2\x80\x94 nobody AAAAAAAA\n";
    static struct tlog_policy policy;
    struct tlog_policy_problem problem = {NULL, 0};
    struct tlog_policy_found found;
    if (tlog_policy_parse(slice_of(data, size), &problem, &policy) != SL_OK) {
        SL_ASSERT(problem.text);
        return 0;
    }
    SL_ASSERT(data[size - 1] == '\n');
    check_nodes(&policy);
    check_keys(policy.logs, policy.n_logs, VKEY_ED25519);
    check_keys(policy.witnesses, policy.n_witnesses, VKEY_COSIGNATURE);
    bool asks_for_nobody = policy.n_logs == 0 && policy.quorum == TLOG_POLICY_NO_NODE;
    bool holds = tlog_policy_check(&policy, slice_of_str(note), &found) == TLOG_POLICY_HOLDS;
    SL_ASSERT(holds == asks_for_nobody);
    return 0;
}
