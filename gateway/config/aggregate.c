/*
 * aggregate.c - a route that answers about a group: how many consent, or the mean of one number
 *
 *     aggregate: {count: true, at_least: 20}
 *     aggregate: {mean: $.items[*].kmh, between: [0, 130], at_least: 20}
 *
 * Nothing of a record leaves by itself, so there is nothing around the records either, and the
 * request names nobody.
 */
#include "config/build.h"
#include "transform/mean.h"

static bool bound(struct build *build, const struct yaml_node *node, int64_t *out)
{
    struct slice text = node->text;
    const bool is_negative = text.n > 0 && text.p[0] == '-';
    if (is_negative)
        text = slice_of(text.p + 1, text.n - 1);
    uint64_t whole = 0;
    uint32_t size = 0;
    /* thousandths_parse() has 32 bits, and no zero. */
    const bool is_good = node->kind == YAML_SCALAR && (slice_equals_str(text, "0") ||
                                                       slice_to_u64(text, MEAN_BOUND_MAX, &whole) ||
                                                       thousandths_parse(text, UINT32_MAX, &size));
    if (is_good) {
        *out = (int64_t)(whole * 1000 + size) * (is_negative ? -1 : 1);
        return true;
    }
    yaml_error_at(build->problems, node->line, node->column,
                  "\"%.*s\" as a bound; expected a number such as 130 or -2.5, at most %d in size",
                  SLICE_PRINTF(node->text), MEAN_BOUND_MAX);
    return false;
}

static void build_bounds(struct build *build, const struct yaml_node *node,
                         struct config_aggregate *out)
{
    if (node->kind != YAML_SEQUENCE || node->n_children != 2) {
        yaml_error_at(build->problems, node->line, node->column,
                      "`between` is no list of two numbers; expected such as [0, 130]");
        return;
    }
    if (bound(build, node->first, &out->low) && bound(build, node->first->next, &out->high) &&
        out->low >= out->high)
        yaml_error_at(build->problems, node->line, node->column,
                      "`between` has nothing between its bounds; expected the lower one first");
}

/* What one record can hold: of a mean, its one number. */
static void check_fields(struct build *build, const struct yaml_node *aggregate,
                         const struct yaml_node *answers, const struct config_route *route)
{
    const struct yaml_node *mean = yaml_get(aggregate, "mean");
    const struct yaml_node *fields = answers ? yaml_get(answers, "fields") : NULL;
    for (const struct yaml_node *item = fields ? fields->first : NULL; item; item = item->next) {
        const bool is_subject = slice_equals_str(item->text, "subject");
        const bool is_mean = mean && slice_equals(item->key, mean->text);
        const bool is_class = !is_subject && !slice_equals_str(item->text, "structure") &&
                              !slice_equals_str(item->text, "time");
        if (!is_subject && !(mean ? is_mean && is_class : is_class))
            yaml_error_at(build->problems, item->key_line, item->key_column,
                          "\"%.*s\" is in no answer of this route; expected %s",
                          SLICE_PRINTF(item->key),
                          mean ? "the subject and the field of `mean` only"
                               : "the subject and fields of the data classes that are counted");
    }
    if (mean && route->n_classes != 1)
        yaml_error_at(
            build->problems, mean->line, mean->column,
            "the field of `mean` is not in `fields`, or serves two data classes; expected "
            "the path of a number");
}

void build_aggregate(struct build *build, const struct yaml_node *node,
                     const struct yaml_node *answers, struct config_route *out)
{
    static const char *const keys[] = {"count", "mean", "between", "at_least", NULL};
    if (!yaml_check_keys(node, "`aggregate`", keys, build->problems))
        return;
    const struct yaml_node *count = yaml_get(node, "count"), *mean = yaml_get(node, "mean");
    const struct yaml_node *between = yaml_get(node, "between");
    const struct yaml_node *at_least = build_need(build, node, "`aggregate`", "at_least");
    uint64_t k = 0;
    if (at_least && build_number(build, at_least, 2, LIMIT_MAX_records, &k))
        out->aggregate.at_least = (uint32_t)k;
    if (!count == !mean || (count && !slice_equals_str(count->text, "true")))
        yaml_error_at(build->problems, node->line, node->column,
                      "`aggregate` says not what to make of the records; expected count: true, or "
                      "mean and the path of a field");
    if (!mean != !between)
        yaml_error_at(build->problems, node->line, node->column,
                      "%s; expected both, so that one person can move the mean only so far",
                      mean ? "`mean` without `between`" : "`between` without `mean`");
    else if (between)
        build_bounds(build, between, &out->aggregate);
    out->aggregate.kind = mean ? AGGREGATE_MEAN : AGGREGATE_COUNT;
    if (out->records.n == 0 || !out->is_fixed)
        yaml_error_at(build->problems, node->line, node->column,
                      "`aggregate` on a route %s; expected a list of people and a path that names "
                      "nobody",
                      out->is_fixed ? "without `records`" : "about a subject");
    else
        check_fields(build, node, answers, out);
}
