/*
 * witnesses.c - the section `witnesses`: a trust file, and how much depends on it
 *
 * The file is the one that auditors are given (C2SP tlog-policy). What is no mistake in it for an
 * auditor can be one for a gateway, which has to get what the file asks for: a quorum that asks for
 * nobody, that needs a witness without a URL, or that is for other ledgers than this one.
 */
#include "base/address.h"
#include "config/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_S_DEFAULT = 2, REFUSE_AFTER_S_MIN = 10, REFUSE_AFTER_S_DEFAULT = 86400 };

/* What is said of the file stands at the key that names it. */
struct trust_file {
    struct build *build;
    const struct yaml_node *node;
    const char *path;
    struct tlog_policy *policy;
};

static void report(const struct trust_file *file, const char *text)
{
    yaml_error_at(file->build->problems, file->node->line, file->node->column, "%s: %s", file->path,
                  text);
}

/* ------------------------------------------------------------------------------------- URLs -- */

/* https://host[:port][/path] or http://; without user, query and fragment. */
static bool url_parse(struct slice url, struct host_port *host, bool *is_tls)
{
    *is_tls = slice_starts_with_str(url, "https://");
    if (!*is_tls && !slice_starts_with_str(url, "http://"))
        return false;
    size_t at = *is_tls ? strlen("https://") : strlen("http://");
    size_t end = at;
    while (end < url.n && url.p[end] != '/')
        end++;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= 0x20 || url.p[i] >= 0x7f || strchr("?#@\\", url.p[i]))
            return false;
    uint64_t port;
    return host_port_split(slice_of(url.p + at, end - at), host) &&
           (!host->port.p || (slice_to_u64(host->port, UINT16_MAX, &port) && port > 0));
}

static bool is_this_machine(const struct host_port *parts)
{
    struct sockaddr_storage address;
    socklen_t address_bytes;
    char host[HOST_BYTES_MAX + 1];
    host_copy(parts->host, host);
    return slice_equals_str(parts->host, "localhost") ||
           (address_set(host, parts->bracketed, 1, &address, &address_bytes) &&
            address_is_loopback(&address));
}

static void check_url(const struct trust_file *file, size_t witness)
{
    struct slice url = file->policy->witness_urls[witness];
    struct slice name = tlog_policy_witness_name(file->policy, witness);
    struct host_port host;
    bool is_tls;
    if (url.n > LIMIT_MAX_witness_url_bytes)
        yaml_error_at(file->build->problems, file->node->line, file->node->column,
                      "%s: the url of witness %.*s has %zu bytes; at most %d are allowed",
                      file->path, SLICE_PRINTF(name), url.n, LIMIT_MAX_witness_url_bytes);
    else if (!url_parse(url, &host, &is_tls))
        yaml_error_at(file->build->problems, file->node->line, file->node->column,
                      "%s: witness %.*s has the url \"%.*s\"; expected such as "
                      "https://witness.example.org or http://127.0.0.1:8470",
                      file->path, SLICE_PRINTF(name), SLICE_PRINTF(url));
    else if (!is_tls && !is_this_machine(&host))
        yaml_warning_at(file->build->problems, file->node->line, file->node->column,
                        "%s: witness %.*s is asked by http: who is on the way can hold its answers "
                        "back, and read how many receipts there are",
                        file->path, SLICE_PRINTF(name));
}

/* ---------------------------------------------------------------------------------- the file -- */

static void check_quorum(const struct trust_file *file)
{
    const struct tlog_policy *policy = file->policy;
    bool can_be_asked[TLOG_POLICY_WITNESSES_MAX] = {false};
    if (policy->quorum == TLOG_POLICY_NO_NODE) {
        report(file, "`quorum none` asks for no witness; name a witness or a group, or leave "
                     "`witnesses` out");
        return;
    }
    for (size_t i = 0; i < policy->n_witnesses; i++)
        can_be_asked[i] = policy->witness_urls[i].n > 0;
    if (!tlog_policy_has_quorum(policy, can_be_asked))
        report(file, "the quorum can't be reached by the witnesses that have a url, and the others "
                     "can't be asked; write the urls after their keys");
}

/* An auditor who has this file would not believe this ledger. */
static void check_logs(const struct trust_file *file)
{
    const struct tlog_policy *policy = file->policy;
    struct slice origin = file->build->config->origin;
    bool is_named = policy->n_logs == 0 || origin.n == 0;
    for (size_t i = 0; i < policy->n_logs; i++)
        is_named = is_named || slice_equals(policy->logs[i].name, origin);
    if (!is_named)
        yaml_error_at(file->build->problems, file->node->line, file->node->column,
                      "%s names logs, but not this node's %.*s; add a line `log` with its "
                      "ledger.vkey",
                      file->path, SLICE_PRINTF(origin));
}

static void read_policy(const struct trust_file *file, struct slice text)
{
    struct tlog_policy_problem problem;
    if (tlog_policy_parse(text, &problem, file->policy) != SL_OK) {
        char line[24] = "";
        if (problem.line > 0)
            snprintf(line, sizeof line, "%zu:", problem.line);
        yaml_error_at(file->build->problems, file->node->line, file->node->column, "%s:%s %s",
                      file->path, line, problem.text);
        return;
    }
    for (size_t i = 0; i < file->policy->n_witnesses; i++)
        if (file->policy->witness_urls[i].n > 0)
            check_url(file, i);
    check_quorum(file);
    check_logs(file);
}

static void build_policy(struct build *build, const struct yaml_node *node,
                         struct config_witnesses *out)
{
    struct trust_file file = {.build = build, .node = node};
    if (!build_readable_file(build, node, false, &file.path) || build->offline)
        return;
    size_t n;
    uint8_t *block = config_read_file(file.path, &n);
    if (!block) {
        report(&file, strerror(errno));
        return;
    }
    struct slice text = build_copy(build, slice_of(block, n));
    free(block);
    file.policy = build_array(build, 1, sizeof *file.policy);
    out->policy = file.policy;
    out->policy_file = file.path;
    if (text.p && file.policy)
        read_policy(&file, text);
}

void build_witnesses(struct build *build, const struct yaml_node *node)
{
    static const char *const keys[] = {"policy", "every", "refuse_after", "ca", NULL};
    if (!yaml_check_keys(node, "`witnesses`", keys, build->problems))
        return;
    struct config_witnesses *witnesses = build_array(build, 1, sizeof *witnesses);
    if (!witnesses)
        return;
    uint64_t every_s = EVERY_S_DEFAULT, refuse_after_s = REFUSE_AFTER_S_DEFAULT;
    const struct yaml_node *policy = build_need(build, node, "`witnesses`", "policy");
    const struct yaml_node *every = yaml_get(node, "every");
    const struct yaml_node *refuse_after = yaml_get(node, "refuse_after");
    const struct yaml_node *ca = yaml_get(node, "ca");
    if (policy)
        build_policy(build, policy, witnesses);
    if (every)
        (void)build_duration_s(build, every, 1, LIMIT_MAX_witness_every_s, &every_s);
    if (refuse_after && (slice_equals_str(refuse_after->text, "never") ||
                         slice_equals_str(refuse_after->text, "0")))
        refuse_after_s = 0;
    else if (refuse_after)
        (void)build_duration_s(build, refuse_after, REFUSE_AFTER_S_MIN,
                               LIMIT_MAX_witness_refuse_after_s, &refuse_after_s);
    if (ca)
        (void)build_readable_file(build, ca, false, &witnesses->ca_file);
    if (refuse_after_s > 0 && refuse_after_s < 3 * every_s)
        yaml_error_at(
            build->problems, refuse_after ? refuse_after->line : node->line,
            refuse_after ? refuse_after->column : node->column,
            "`refuse_after` is %ju s, and witnesses are asked every %ju s; expected three "
            "times as long at least, or flows would be refused for nothing",
            (uintmax_t)refuse_after_s, (uintmax_t)every_s);
    witnesses->every_s = (unsigned)every_s;
    witnesses->refuse_after_s = (unsigned)refuse_after_s;
    build->config->witnesses = witnesses;
}
