/*
 * lying_gateway.c - records whatever it is told, on a real node with its real recorder
 *
 *     lying_gateway CONFIG SUBJECT NAME=VALUE..
 *
 * A gateway that decides otherwise than its policies say would do it like this: the receipt is
 * well-formed, numbered, signed and durable, and only its contents are a lie. Names are those of a
 * receipt, `data` as "location=500m 900s,location.speed=kept"; and `version` and `consents` (ids
 * with commas) say what the basis pins. Prints the receipt's index.
 */
#include "base/timestamp.h"
#include "flow/node.h"
#include "ledger/basis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 16 };

struct lie {
    const char *names[NAMES_MAX], *values[NAMES_MAX];
    size_t n;
};

static void die(const char *text)
{
    fprintf(stderr, "lying_gateway: %s\n", text);
    exit(2);
}

static const char *value_of(const struct lie *lie, const char *name, const char *fallback)
{
    for (size_t i = 0; i < lie->n; i++) {
        if (strcmp(lie->names[i], name) == 0)
            return lie->values[i];
    }
    return fallback;
}

static void parse_lie(struct lie *lie, int argc, char **argv)
{
    for (int i = 0; i < argc && lie->n < NAMES_MAX; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            die("expected NAME=VALUE");
        *equals = 0;
        lie->names[lie->n] = argv[i];
        lie->values[lie->n++] = equals + 1;
    }
}

/* "location=500m 900s,location.speed=kept" */
static size_t parse_data(char *text, struct leaf_class classes[LIMIT_MAX_route_classes])
{
    size_t n = 0;
    for (char *save = NULL, *part = strtok_r(text, ",", &save); part;
         part = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(part, '=');
        if (!equals || n == LIMIT_MAX_route_classes)
            die("expected CLASS=DONE");
        *equals = 0;
        struct leaf_class class = {.name = slice_of_str(part)};
        if (!coarse_done_parse(slice_of_str(equals + 1), &class.done))
            die("that can't be done to a class");
        classes[n++] = class;
    }
    return n;
}

/* "driving,running", in that order */
static size_t parse_situations(char *text, struct slice situations[LEAF_SITUATIONS_MAX])
{
    size_t n = 0;
    for (char *save = NULL, *name = strtok_r(text, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        if (n == LEAF_SITUATIONS_MAX)
            die("too many situations");
        situations[n++] = slice_of_str(name);
    }
    return n;
}

static void pin_basis(struct node *node, const struct lie *lie, struct record *record)
{
    struct store_version pinned = {0};
    uint64_t version = strtoull(value_of(lie, "version", "0"), NULL, 10);
    bool found = version == 0;
    if (version > 0 &&
        store_version_get(node->memory.reader, record->subject, version, &pinned, &found) != SL_OK)
        die("the store can't be read");
    if (!found)
        die("no such version");
    struct slice ids[LIMIT_MAX_policy_consents];
    size_t n = 0;
    char *text = strdup(value_of(lie, "consents", ""));
    for (char *save = NULL, *id = strtok_r(text, ",", &save); id; id = strtok_r(NULL, ",", &save))
        ids[n++] = slice_of_str(id);
    basis_digest(version, pinned.policy_digest, ids, n, record->basis);
    store_read_end(node->memory.reader);
    free(text);
}

static void draft(const struct lie *lie, struct record *record)
{
    struct leaf_class classes[LIMIT_MAX_route_classes];
    struct slice situations[LEAF_SITUATIONS_MAX];
    char *data = strdup(value_of(lie, "data", ""));
    char *situation = strdup(value_of(lie, "situation", ""));
    int64_t time_ms = clock_now_ms();
    const char *time = value_of(lie, "time", NULL);
    if (time && !timestamp_parse(slice_of_str(time), &time_ms))
        die("no such time");
    const struct leaf_flow flow = {
        .kind = LEAF_PULL,
        .time_ms = time_ms,
        .partner = slice_of_str(value_of(lie, "partner", "spotify")),
        .app = slice_of_str(value_of(lie, "app", "waze")),
        .route = slice_of_str(value_of(lie, "route", "position")),
        .purpose = slice_of_str(value_of(lie, "purpose", "recommendation")),
        .benefit = slice_of_str(value_of(lie, "benefit", "")),
        .n_situations = parse_situations(situation, situations),
        .situations = situations,
        .released = strcmp(value_of(lie, "decision", "release"), "release") == 0,
        .reason = slice_of_str(value_of(lie, "reason", "consented")),
        .n_classes = parse_data(data, classes),
        .classes = classes,
    };
    if (leaf_draft_flow(&flow, &record->leaf) != SL_OK)
        die("that is no receipt");
    record->kind = flow.released ? RECORD_RELEASE : RECORD_REFUSAL;
    free(data);
    free(situation);
}

static void record_it(struct node *node, struct slice name, const struct lie *lie)
{
    struct store_subject subject;
    struct record record = {0};
    bool found = false;
    if (store_find(node->memory.reader, name, record.subject, &found) != SL_OK)
        die("the store can't be read");
    record.subject_known = found && !value_of(lie, "nobody", NULL);
    if (record.subject_known) {
        if (store_read(node->memory.reader, record.subject, &subject) != SL_OK)
            die("the store can't be read");
        record.policy_version = subject.version; /* or the recorder would see the lie */
        store_read_end(node->memory.reader);
        pin_basis(node, lie, &record);
    }
    draft(lie, &record);
    struct mailbox box;
    if (mailbox_init(&box) != SL_OK)
        die("no mailbox");
    record.reply_to = &box;
    if (!recorder_submit(node->recorder, &record))
        die("the recorder is busy");
    recorder_kick(node->recorder);
    do
        mailbox_wait(&box);
    while (!mailbox_take(&box));
    mailbox_deinit(&box);
    if (record.outcome != RECORD_DURABLE)
        die("it was not recorded");
    printf("%llu\n", (unsigned long long)record.index);
}

int main(int argc, char **argv)
{
    struct lie lie = {.n = 0};
    if (argc < 3)
        die("usage: lying_gateway CONFIG SUBJECT NAME=VALUE..");
    parse_lie(&lie, argc - 3, argv + 3);
    struct yaml_problems problems;
    yaml_problems_init(&problems, argv[1]);
    SL_AUTO(config) config = NULL;
    SL_AUTO(node) node = NULL;
    struct node_problem problem = {""};
    enum sl_err err = config_load(argv[1], &problems, &config);
    yaml_problems_deinit(&problems);
    if (err != SL_OK)
        die("the configuration can't be used");
    if (node_open(config, &problem, &node) != NODE_OPENED)
        die(problem.text);
    record_it(node, slice_of_str(argv[2]), &lie);
    return 0;
}
