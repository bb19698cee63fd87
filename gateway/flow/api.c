/*
 * api.c - the table, and what all its handlers need
 *
 * A path is compared segment by segment, as it arrived: the guard has let through no dot segments,
 * no empty ones and no escape that hides a separator.
 */
#include "flow/api.h"

#include "flow/proven.h"
#include "flow/renamed.h"
#include "flow/tell.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

static const char prefix[] = "/sluis/v1/";

static const struct api_row rows[] = {
    {"GET", "receipts/{}", API_PARTNER | API_APP, false, false, flow_prove_receipt},
    {"GET", "pseudonyms/{}", API_PARTNER, false, false, flow_rename},
    {"PUT", "subjects/{}/situation", API_APP, true, false, flow_put_situation},
    {"GET", "subjects/{}/situation", API_APP, false, false, flow_get_situation},
    {"DELETE", "subjects/{}/situation", API_APP, false, false, flow_delete_situation},
};

bool api_is_target(struct slice target)
{
    return slice_starts_with_str(target, prefix);
}

/* Takes what stands before the next slash off `path`; false at its end. */
static bool next_segment(struct slice *path, struct slice *segment)
{
    if (!path->p)
        return false;
    const uint8_t *slash = path->n > 0 ? memchr(path->p, '/', path->n) : NULL;
    size_t n = slash ? (size_t)(slash - path->p) : path->n;
    *segment = slice_of(path->p, n);
    *path = slash ? slice_of(slash + 1, path->n - n - 1) : slice_of(NULL, 0);
    return true;
}

static bool path_matches(const struct api_row *row, struct slice path,
                         struct slice arguments[API_ARGUMENTS_MAX])
{
    struct slice pattern = slice_of_str(row->path);
    size_t n_arguments = 0;
    for (;;) {
        struct slice wanted = {NULL, 0}, found = {NULL, 0};
        bool more = next_segment(&pattern, &wanted);
        if (next_segment(&path, &found) != more)
            return false;
        if (!more)
            return true;
        bool is_argument = slice_equals_str(wanted, "{}");
        if (is_argument ? found.n == 0 : !slice_equals(wanted, found))
            return false;
        SL_ASSERT(!is_argument || n_arguments < API_ARGUMENTS_MAX);
        if (is_argument)
            arguments[n_arguments++] = found;
    }
}

/* The path is one of ours, but not with this method: the answer's Allow names those that it has. */
static bool refuse_method(struct flow *flow, struct slice path)
{
    struct slice arguments[API_ARGUMENTS_MAX];
    struct writer writer = writer_over(flow->answer.allow, sizeof flow->answer.allow - 1);
    for (size_t i = 0; i < SL_LENGTH(rows); i++) {
        if (!path_matches(&rows[i], path, arguments))
            continue;
        write_str(&writer, writer.n > 0 ? ", " : "");
        write_str(&writer, rows[i].method);
    }
    flow->answer.kind = writer.n > 0 ? ANSWER_NO_METHOD : ANSWER_NO_ROUTE;
    return false;
}

bool api_find(struct flow *flow)
{
    struct slice path =
        slice_of(flow->target.p + sizeof prefix - 1, flow->target.n - (sizeof prefix - 1));
    const uint8_t *mark = path.n > 0 ? memchr(path.p, '?', path.n) : NULL;
    struct slice query = {NULL, 0};
    if (mark) {
        size_t n = (size_t)(mark - path.p);
        query = slice_of(mark + 1, path.n - n - 1);
        path.n = n;
    }
    const struct api_row *row = NULL;
    for (size_t i = 0; i < SL_LENGTH(rows) && !row; i++)
        if (slice_equals_str(flow->method, rows[i].method) &&
            path_matches(&rows[i], path, flow->api_arguments))
            row = &rows[i];
    if (!row)
        return refuse_method(flow, path);
    flow->answer.kind = ANSWER_WRONG_PARTY;
    if (!(row->callers & (flow->sender ? API_APP : API_PARTNER)))
        return false;
    flow->answer.kind = ANSWER_BAD_QUERY;
    if (mark && !row->takes_query)
        return false;
    flow->request.query = query;
    flow->api = row;
    return true;
}

void api_done(struct flow *flow, unsigned status, struct slice body)
{
    flow->answer.kind = ANSWER_DONE;
    flow->answer.status = status;
    flow->answer.body = body;
    flow->answer.media_type = slice_of_str("application/json");
    flow->engine->reply(flow);
}

void api_refuse(struct flow *flow, enum answer_kind kind, const char *format, ...)
{
    flow->answer.kind = kind;
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(flow->answer.detail, sizeof flow->answer.detail, format, arguments);
        va_end(arguments);
    }
    flow->engine->reply(flow);
}

static bool is_known(const char *name, const char *const known[])
{
    for (; *known; known++)
        if (strcmp(name, *known) == 0)
            return true;
    return false;
}

struct json_t *api_body_object(struct flow *flow, const char *const known[])
{
    json_error_t error;
    json_t *object =
        json_loadb((const char *)flow->body.p, flow->body.n, JSON_REJECT_DUPLICATES, &error);
    if (!object) {
        api_refuse(flow, ANSWER_BAD_BODY,
                   "The body is not the JSON that is expected: line %d, "
                   "column %d: %s.",
                   error.line, error.column, error.text);
        return NULL;
    }
    if (!json_is_object(object)) {
        api_refuse(flow, ANSWER_BAD_BODY, "The body is no JSON object; expected {...}.");
        json_decref(object);
        return NULL;
    }
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (is_known(name, known))
            continue;
        api_refuse(flow, ANSWER_BAD_BODY, "Unknown member \"%.64s\" in the body.", name);
        json_decref(object);
        return NULL;
    }
    return object;
}
