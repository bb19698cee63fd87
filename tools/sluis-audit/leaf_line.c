/*
 * leaf_line.c - one receipt on one line
 */
#include "leaf_line.h"

#include "base/plural.h"
#include "base/timestamp.h"
#include "common/terminal.h"

static void print_flow(const struct leaf *leaf)
{
    print_styled(stdout, leaf->released ? STYLE_GOOD : STYLE_BAD, "%-7.*s",
                 SLICE_PRINTF(leaf->decision));
    printf("  ");
    print_column(stdout, leaf->reason, 16);
    print_text(stdout, leaf->partner);
    printf("  ");
    print_text(stdout, leaf->route);
    printf("  ");
    print_text(stdout, leaf->purpose);
    for (size_t i = 0; leaf->released && i < leaf->n_classes; i++) {
        printf("%s", i == 0 ? "  " : ", ");
        print_text(stdout, leaf->classes[i].name);
        printf(" %.*s", SLICE_PRINTF(leaf->classes[i].done));
    }
}

static void print_heads(const struct leaf_heads *heads)
{
    printf("epoch %llu: receipts from %llu up to %llu, %llu %s", (unsigned long long)heads->epoch,
           (unsigned long long)heads->first, (unsigned long long)heads->end,
           (unsigned long long)heads->n_entries, plural(heads->n_entries, "entry", "entries"));
}

static void print_outcome(const struct leaf_outcome *outcome)
{
    print_styled(stdout, outcome->delivery == DELIVERY_DELIVERED ? STYLE_GOOD : STYLE_BAD, "%s",
                 delivery_name(outcome->delivery));
    printf(": receipt %llu", (unsigned long long)outcome->of);
    if (outcome->status > 0)
        printf(", status %u", outcome->status);
}

static void print_event(const struct leaf *leaf)
{
    const struct leaf_policy *policy = &leaf->policy;
    if (leaf->kind == LEAF_POLICY)
        printf("granted %u, changed %u, withdrawn %u; refusals added %u, removed %u",
               policy->granted, policy->changed, policy->withdrawn, policy->refusals_added,
               policy->refusals_removed);
    else if (leaf->kind == LEAF_HEADS)
        print_heads(&leaf->heads);
    else if (leaf->kind == LEAF_KEY)
        print_text(stdout, leaf->key.new_vkey);
    else if (leaf->kind == LEAF_OUTCOME)
        print_outcome(&leaf->outcome);
}

void leaf_line_print(uint64_t index, const struct leaf *leaf)
{
    char time[TIMESTAMP_BYTES];
    struct writer writer = writer_over(time, sizeof time);
    write_timestamp_ms(&writer, leaf->time_ms);
    printf("%8llu  %.*s  ", (unsigned long long)index, (int)writer.n, time);
    print_column(stdout, leaf_kind_name(leaf->kind), 8);
    if (leaf_kind_is_flow(leaf->kind))
        print_flow(leaf);
    else
        print_event(leaf);
    printf("\n");
}

json_t *leaf_line_json(uint64_t index, struct slice bytes)
{
    json_t *receipt = json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *line = json_pack("{s:I}", "index", (json_int_t)index);
    if (receipt)
        json_object_update(line, receipt);
    json_decref(receipt);
    return line;
}
