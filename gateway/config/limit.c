/*
 * limit.c - the section `limits`: rows of base/limits.def by name
 */
#include "config/build.h"
#include "ledger/leaf.h"

enum { ROWS_MAX = 128 };

static void report_unknown(struct build *build, const struct yaml_node *node)
{
    const char *names[ROWS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < n_limits && n < ROWS_MAX; i++) {
        if (limit_table[i].min != limit_table[i].max)
            names[n++] = limit_table[i].name;
    }
    build_unknown(build, node->key_line, node->key_column, "limit", node->key, names, n);
}

/* What two rows mean together. */
static void check_together(struct build *build, const struct yaml_node *node)
{
    const struct limits *limits = &build->config->limits;
    if (limits->consent_reserve_bytes > limits->segment_bytes / 2)
        yaml_error_at(build->problems, node->line, node->column,
                      "consent_reserve_bytes is %ju of %ju segment_bytes; expected at most half, "
                      "or hardly a flow could be recorded",
                      (uintmax_t)limits->consent_reserve_bytes, (uintmax_t)limits->segment_bytes);
    bool has_records = false;
    for (size_t i = 0; i < build->config->n_routes; i++)
        has_records = has_records || build->config->routes[i].records.n > 0;
    if (has_records && limits->records >= limits->batch_receipts)
        yaml_error_at(build->problems, node->line, node->column,
                      "records is %ju of %ju batch_receipts; expected less, as the receipts of one "
                      "answer are in one batch",
                      (uintmax_t)limits->records, (uintmax_t)limits->batch_receipts);
    const uint64_t records_bytes = limits->records * (uint64_t)(LEAF_BYTES_MAX + 8);
    if (has_records && records_bytes > limits->segment_bytes / 2)
        yaml_error_at(build->problems, node->line, node->column,
                      "records is %ju, whose receipts may have %ju bytes, of %ju segment_bytes; "
                      "expected at most half, or they might not find room",
                      (uintmax_t)limits->records, (uintmax_t)records_bytes,
                      (uintmax_t)limits->segment_bytes);
    const struct config_witnesses *witnesses = build->config->witnesses;
    if (witnesses && limits->witness_alarm_ms < 3000 * (uint64_t)witnesses->every_s)
        yaml_error_at(build->problems, node->line, node->column,
                      "witness_alarm_ms is %ju, and witnesses are asked every %u s; expected three "
                      "times as long at least, or there would be alarms for nothing",
                      (uintmax_t)limits->witness_alarm_ms, witnesses->every_s);
}

void build_limits(struct build *build, const struct yaml_node *node)
{
    if (node->kind != YAML_MAPPING) {
        yaml_error_at(build->problems, node->line, node->column,
                      "no mapping for `limits`; expected such as {answer_bytes: 8388608}");
        return;
    }
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        const struct limit_info *row = limit_find(item->key);
        uint64_t value;
        if (!row)
            report_unknown(build, item);
        else if (row->min == row->max)
            yaml_error_at(build->problems, item->key_line, item->key_column,
                          "%s is %ju %s and can't be set", row->name, (uintmax_t)row->dflt,
                          row->unit);
        else if (build_number(build, item, row->min, row->max, &value))
            limit_set(&build->config->limits, row, value);
    }
    check_together(build, node);
}
