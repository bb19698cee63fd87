/*
 * tlog_policy.c - reading a trust file, line by line
 *
 * Witnesses and groups share one list, in the order of their lines. As a group names only what
 * stands above it, and each name has one parent at most, counting who has spoken is one pass over
 * that list (tlog_policy_check.c).
 *
 *     witness X1 ..        nodes   0: X1, parent 2
 *     witness X2 ..                1: X2, parent 2
 *     group X all X1 X2            2: X, 2 members, threshold 2
 *     quorum X             quorum  2
 *
 * A file is read strictly: somebody's trust hangs on it. An unterminated last line is refused,
 * because a file that was cut off would otherwise ask for less than its author did.
 */
#include "ledger/tlog_policy.h"

#include "base/reader.h"

#include <string.h>

struct parsing {
    struct tlog_policy *policy;
    struct tlog_policy_problem *problem;
    struct slice line; /* what is left of it */
    size_t number;
    bool has_quorum;
};

static enum sl_err refuse(struct parsing *parsing, enum sl_err err, const char *text)
{
    *parsing->problem = (struct tlog_policy_problem){text, parsing->number};
    return err;
}

static enum sl_err malformed(struct parsing *parsing, const char *text)
{
    return refuse(parsing, SL_EMALFORMED, text);
}

/* ----------------------------------------------------------------------------------- items -- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The next item of the line; empty at its end. */
static struct slice next_item(struct parsing *parsing)
{
    struct slice *line = &parsing->line;
    while (line->n > 0 && is_blank(*line->p))
        *line = slice_of(line->p + 1, line->n - 1);
    size_t n = 0;
    while (n < line->n && !is_blank(line->p[n]))
        n++;
    struct slice item = slice_of(line->p, n);
    if (n > 0)
        *line = slice_of(line->p + n, line->n - n);
    return item;
}

/* Tab and LF are the only controls; bytes from 0x80 on are opaque. */
static bool octets_are_valid(struct slice line)
{
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
            return false;
    return true;
}

static int16_t find_node(const struct tlog_policy *policy, struct slice name)
{
    for (size_t i = 0; i < policy->n_nodes; i++)
        if (slice_equals(policy->nodes[i].name, name))
            return (int16_t)i;
    return TLOG_POLICY_NO_NODE;
}

/* A new name in the one space that witnesses and groups share. */
static enum sl_err add_node(struct parsing *parsing, struct slice name,
                            struct tlog_policy_node node)
{
    struct tlog_policy *policy = parsing->policy;
    if (name.n == 0)
        return malformed(parsing, "a name is missing");
    if (slice_equals_str(name, "none") || find_node(policy, name) != TLOG_POLICY_NO_NODE)
        return malformed(parsing, "the name is taken");
    SL_ASSERT(policy->n_nodes < TLOG_POLICY_NODES_MAX);
    node.name = name;
    policy->nodes[policy->n_nodes++] = node;
    return SL_OK;
}

/* A key of the type that its owner needs, and of nobody else in the list. */
static enum sl_err add_key(struct parsing *parsing, enum vkey_type type, struct vkey *keys,
                           size_t *n_keys, size_t n_max)
{
    struct vkey key;
    if (vkey_parse(next_item(parsing), &key) != SL_OK)
        return malformed(parsing, "the key is not an Ed25519 verifier key "
                                  "(name+8 hexadecimal digits+base64)");
    if (key.type != type)
        return malformed(parsing, type == VKEY_COSIGNATURE
                                      ? "the key is not of a witness (type 0x04)"
                                      : "the key is not of a log (type 0x01)");
    for (size_t i = 0; i < *n_keys; i++)
        if (memcmp(keys[i].key, key.key, sizeof key.key) == 0)
            return malformed(parsing, "the key stands there twice");
    if (*n_keys == n_max)
        return refuse(parsing, SL_ELIMIT, "there are more of these than can be read");
    keys[(*n_keys)++] = key;
    return SL_OK;
}

/* ----------------------------------------------------------------------------------- lines -- */

static enum sl_err end_of_line(struct parsing *parsing)
{
    return next_item(parsing).n == 0 ? SL_OK : malformed(parsing, "there is more on the line");
}

static enum sl_err url_and_end(struct parsing *parsing, struct slice *url)
{
    *url = next_item(parsing);
    return end_of_line(parsing);
}

static enum sl_err parse_log(struct parsing *parsing)
{
    struct tlog_policy *policy = parsing->policy;
    SL_TRY(add_key(parsing, VKEY_ED25519, policy->logs, &policy->n_logs, TLOG_POLICY_LOGS_MAX));
    struct slice url;
    return url_and_end(parsing, &url);
}

static enum sl_err parse_witness(struct parsing *parsing)
{
    struct tlog_policy *policy = parsing->policy;
    struct slice name = next_item(parsing);
    SL_TRY(add_key(parsing, VKEY_COSIGNATURE, policy->witnesses, &policy->n_witnesses,
                   TLOG_POLICY_WITNESSES_MAX));
    struct tlog_policy_node node = {.witness = (int16_t)(policy->n_witnesses - 1),
                                    .parent = TLOG_POLICY_NO_NODE};
    SL_TRY(add_node(parsing, name, node));
    return url_and_end(parsing, &policy->witness_urls[node.witness]);
}

static enum sl_err add_member(struct parsing *parsing, struct slice name, int16_t group)
{
    struct tlog_policy *policy = parsing->policy;
    int16_t member = find_node(policy, name);
    if (member == TLOG_POLICY_NO_NODE)
        return malformed(parsing, "a member is not defined above");
    if (policy->nodes[member].parent != TLOG_POLICY_NO_NODE)
        return malformed(parsing, "a member is one already, and can be only once");
    policy->nodes[member].parent = group;
    return SL_OK;
}

/* all, any, or a number from 1 to the members. */
static bool parse_threshold(struct slice text, uint16_t n_members, uint16_t *threshold)
{
    uint64_t number;
    if (slice_equals_str(text, "any"))
        number = 1;
    else if (slice_equals_str(text, "all"))
        number = n_members;
    else if (!slice_to_u64(text, n_members, &number) || number == 0)
        return false;
    *threshold = (uint16_t)number;
    return true;
}

static enum sl_err parse_group(struct parsing *parsing)
{
    struct tlog_policy *policy = parsing->policy;
    struct slice name = next_item(parsing);
    struct slice threshold = next_item(parsing);
    if (policy->n_groups == TLOG_POLICY_GROUPS_MAX)
        return refuse(parsing, SL_ELIMIT, "there are more groups than can be read");
    /* Members are looked up before the group itself can be found. */
    struct tlog_policy_node node = {.witness = -1, .parent = TLOG_POLICY_NO_NODE};
    for (struct slice member; (member = next_item(parsing)).n > 0; node.n_members++)
        SL_TRY(add_member(parsing, member, (int16_t)policy->n_nodes));
    if (node.n_members == 0)
        return malformed(parsing, "a group needs a name, all, any or a number, and members");
    if (!parse_threshold(threshold, node.n_members, &node.threshold))
        return malformed(parsing, "a group wants all, any, or a number from 1 to its members");
    SL_TRY(add_node(parsing, name, node));
    policy->n_groups++;
    return SL_OK;
}

static enum sl_err parse_quorum(struct parsing *parsing)
{
    struct slice name = next_item(parsing);
    if (parsing->has_quorum)
        return malformed(parsing, "there is a second quorum");
    parsing->has_quorum = true;
    parsing->policy->quorum = find_node(parsing->policy, name);
    if (parsing->policy->quorum == TLOG_POLICY_NO_NODE && !slice_equals_str(name, "none"))
        return malformed(parsing, "the quorum is not a witness or group defined above, or none");
    return end_of_line(parsing);
}

static enum sl_err parse_line(struct parsing *parsing)
{
    if (!octets_are_valid(parsing->line))
        return malformed(parsing, "there is a control character");
    struct slice word = next_item(parsing);
    if (word.n == 0 || word.p[0] == '#')
        return SL_OK;
    if (slice_equals_str(word, "log"))
        return parse_log(parsing);
    if (slice_equals_str(word, "witness"))
        return parse_witness(parsing);
    if (slice_equals_str(word, "group"))
        return parse_group(parsing);
    if (slice_equals_str(word, "quorum"))
        return parse_quorum(parsing);
    return malformed(parsing, "a line begins with log, witness, group, quorum or #");
}

enum sl_err tlog_policy_parse(struct slice text, struct tlog_policy_problem *problem,
                              struct tlog_policy *out)
{
    struct tlog_policy policy = {.quorum = TLOG_POLICY_NO_NODE};
    struct parsing parsing = {.policy = &policy, .problem = problem};
    if (text.n > TLOG_POLICY_BYTES_MAX)
        return refuse(&parsing, SL_ELIMIT, "it is longer than can be read");
    struct reader reader = reader_over(text);
    while (reader_left(&reader) > 0) {
        parsing.number++;
        parsing.line = read_until(&reader, '\n');
        if (reader.bad)
            return malformed(&parsing, "the last line has no line feed; was the file cut off?");
        SL_TRY(parse_line(&parsing));
    }
    parsing.number = 0;
    if (!parsing.has_quorum)
        return malformed(&parsing, "there is no quorum line (\"quorum none\" asks for no witness)");
    *out = policy;
    return SL_OK;
}

struct slice tlog_policy_witness_name(const struct tlog_policy *policy, size_t witness)
{
    SL_ASSERT(witness < policy->n_witnesses);
    size_t i = 0;
    while (policy->nodes[i].witness != (int16_t)witness)
        i++;
    return policy->nodes[i].name;
}

void tlog_policy_of_log(const struct vkey *log, struct tlog_policy *out)
{
    memset(out, 0, sizeof *out);
    out->logs[0] = *log;
    out->n_logs = 1;
    out->quorum = TLOG_POLICY_NO_NODE;
}
