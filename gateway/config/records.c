/*
 * records.c - answers about many people: the list their records are in, and which field lies where
 *
 *     records: $.items[*]
 *     $.type                structure, around the records: the only kind of field that can be there
 *     $.items[*].user       whose record it is: exactly one, found without a further [*]
 *     $.items[*].at.lat     of one person: in the record's own trie, as $.at.lat
 *
 * A query would pick people by what they may not give, or tell how many there are by paging, so a
 * route with records passes none.
 */
#include "config/build.h"
#include "transform/step.h"

#include <string.h>

static bool step_equals(const struct step *a, const struct step *b)
{
    return a->kind == b->kind && a->index == b->index && slice_equals(a->name, b->name);
}

/* The steps of a path; their names lie in a block of the build. */
static bool parse(struct build *build, struct slice path, struct steps *out)
{
    size_t at;
    uint8_t *names = build_array(build, path.n + 1, 1);
    *out = (struct steps){0};
    return names && steps_parse(path, names, out, &at) == STEPS_OK;
}

void build_records(struct build *build, const struct yaml_node *node, struct config_route *out)
{
    static const char expected[] =
        "a path of names to one list and [*] at its end, such as $.items[*] or $[*]";
    struct steps steps;
    if (!build_is_text(build, node, expected))
        return;
    bool fits = node->text.n <= LIMIT_MAX_route_path_bytes && parse(build, node->text, &steps) &&
                steps.n > 0;
    for (size_t i = 0; fits && i < steps.n; i++)
        fits = steps.step[i].kind == (i + 1 < steps.n ? STEP_NAME : STEP_ANY);
    if (fits)
        out->records = build_copy(build, node->text);
    else
        yaml_error_at(build->problems, node->line, node->column, "\"%.*s\" as records; expected %s",
                      SLICE_PRINTF(node->text), expected);
}

static bool is_below(const struct steps *steps, const struct steps *records)
{
    bool is_below = steps->n > records->n;
    for (size_t i = 0; is_below && i < records->n; i++)
        is_below = step_equals(&records->step[i], &steps->step[i]);
    return is_below;
}

static bool add_subject(struct build *build, const struct yaml_node *item, bool has_list,
                        struct fields *fields)
{
    if (has_list || ++fields->n_subjects > 1) {
        yaml_error_at(build->problems, item->line, item->column,
                      has_list ? "the subject of a record in a list of the record; expected it "
                                 "behind names only"
                               : "a second subject of one record; expected exactly one");
        return false;
    }
    return true;
}

bool fields_place(struct build *build, const struct yaml_node *item, struct path_field field,
                  const struct config_route *route, struct fields *fields, struct fields_place *out)
{
    struct steps records, steps;
    *out = (struct fields_place){.trie = fields->trie, .path = item->key};
    if (route->records.n == 0 || !parse(build, item->key, &steps))
        return true; /* what is wrong with a path is found when it is added */
    if (!parse(build, route->records, &records))
        return false;
    if (!is_below(&steps, &records)) {
        out->trie = fields->around;
        if (field.form == FIELD_STRUCTURE)
            return true;
        yaml_error_at(build->problems, item->line, item->column,
                      "\"%.*s\" outside of the records, where only structure can pass; expected a "
                      "path below %.*s",
                      SLICE_PRINTF(item->text), SLICE_PRINTF(route->records));
        return false;
    }
    bool has_list = false;
    for (size_t i = records.n; i < steps.n; i++)
        has_list = has_list || steps.step[i].kind == STEP_ANY;
    if (field.form == FIELD_SUBJECT && !add_subject(build, item, has_list, fields))
        return false;
    if (field.form == FIELD_SUBJECT && route->aggregate.kind != AGGREGATE_NONE) {
        out->trie = fields->around; /* and in no record, of which nothing leaves */
        return true;
    }
    const size_t at = steps.step[records.n].at; /* "$" and what is written from there on */
    uint8_t *path = build_array(build, item->key.n - at + 1, 1);
    if (!path)
        return false;
    path[0] = '$';
    memcpy(path + 1, item->key.p + at, item->key.n - at);
    out->path = slice_of(path, item->key.n - at + 1);
    out->shift = at - 1;
    out->is_subject = field.form == FIELD_SUBJECT;
    return true;
}

bool fields_finish_records(struct build *build, const struct yaml_node *node,
                           const struct config_route *route, struct fields *fields)
{
    if (fields->n_subjects == 0) {
        yaml_error_at(build->problems, node->line, node->column,
                      "no subject below %.*s; expected the field that says whose each record is",
                      SLICE_PRINTF(route->records));
        return false;
    }
    SL_ASSERT(path_trie_set_records(fields->around, route->records));
    enum path_fault fault = path_trie_finish(fields->around);
    build->no_memory = build->no_memory || fault == PATH_NO_MEMORY;
    return fault == PATH_OK;
}
