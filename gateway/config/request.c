/*
 * request.c - the request that a route answers: a method and a path with {subject} in it
 *
 *     GET /v1/drivers/{subject}/position
 *         before------         after----
 *
 * The path is compared byte by byte with what partners send, so it is written the way it is sent:
 * no escapes, no empty or dot segments, no query. Two routes may not match one request: which of
 * them it would be depended on the order in the file.
 */
#include "config/build.h"

#include <string.h>

static const struct slice placeholder = SLICE_LITERAL("{subject}");

/* RFC 3986 section 3.3, without escapes and ";". */
static bool is_path_byte(uint8_t c)
{
    return c > 0x20 && c < 0x7f && !strchr("%;\\{}?#\"<>[]^`|", c);
}

/* One segment between slashes: the placeholder, or literal text. */
static bool check_segment(struct build *build, const struct yaml_node *node, size_t at, size_t n,
                          bool *is_subject)
{
    struct slice segment = slice_of(node->text.p + at, n);
    *is_subject = slice_equals(segment, placeholder);
    if (*is_subject)
        return true;
    if (n == 0 || slice_equals_str(segment, ".") || slice_equals_str(segment, "..")) {
        build_error_inside(build, node, at,
                           "an empty or dot segment in a path; expected names between slashes");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_path_byte(segment.p[i]))
            continue;
        bool brace = segment.p[i] == '{' || segment.p[i] == '}';
        build_error_inside(build, node, at + i, "\"%.*s\" in a path; expected %s", 1,
                           (const char *)segment.p + i,
                           brace ? "{subject}, alone between two slashes"
                                 : "letters, digits and -._~!$&'()*+,=:@ only");
        return false;
    }
    return true;
}

/* The path from byte `start` on; *subject_at is where its placeholder stands. */
static bool check_path(struct build *build, const struct yaml_node *node, size_t start,
                       size_t *subject_at)
{
    struct slice text = node->text;
    size_t n_subjects = 0;
    for (size_t at = start + 1; at <= text.n;) {
        const uint8_t *slash = at < text.n ? memchr(text.p + at, '/', text.n - at) : NULL;
        size_t end = slash ? (size_t)(slash - text.p) : text.n;
        bool is_subject;
        if (!check_segment(build, node, at, end - at, &is_subject))
            return false;
        if (is_subject && ++n_subjects > 1) {
            build_error_inside(build, node, at,
                               "a second {subject}; a flow is about one subject, named once");
            return false;
        }
        if (is_subject)
            *subject_at = at;
        at = end + 1;
    }
    if (n_subjects == 0)
        *subject_at = text.n;
    return true;
}

static bool is_one_of(struct slice word, const char *const words[])
{
    for (; *words; words++)
        if (slice_equals_str(word, *words))
            return true;
    return false;
}

bool build_request_line(struct build *build, const struct yaml_node *node,
                        const char *const methods[], struct request_line *out)
{
    static const char expected[] = "a method and a path, such as GET /v1/{subject}/position";
    if (!build_is_text(build, node, expected))
        return false;
    struct slice text = node->text;
    const uint8_t *blank = memchr(text.p, ' ', text.n);
    size_t method_bytes = blank ? (size_t)(blank - text.p) : 0;
    size_t start = method_bytes + 1;
    if (method_bytes == 0 || start >= text.n || text.p[start] != '/') {
        yaml_error_at(build->problems, node->line, node->column, "\"%.*s\"; expected %s",
                      SLICE_PRINTF(text), expected);
        return false;
    }
    if (!is_one_of(slice_of(text.p, method_bytes), methods)) {
        yaml_error_at(build->problems, node->line, node->column, "method \"%.*s\"; %s",
                      (int)method_bytes, (const char *)text.p,
                      slice_equals_str(slice_of_str(methods[0]), "GET")
                          ? "only GET can be forwarded"
                          : "a push is sent with POST or PUT");
        return false;
    }
    if (text.n - start > LIMIT_MAX_route_path_bytes) {
        yaml_error_at(build->problems, node->line, node->column,
                      "a path of %zu bytes; at most %d are allowed", text.n - start,
                      LIMIT_MAX_route_path_bytes);
        return false;
    }
    size_t subject_at = 0;
    if (!check_path(build, node, start, &subject_at))
        return false;
    bool names_subject = subject_at < text.n;
    size_t after_at = subject_at + (names_subject ? placeholder.n : 0);
    *out = (struct request_line){
        .is_fixed = !names_subject,
        .method = build_copy(build, slice_of(text.p, method_bytes)),
        .before = build_copy(build, slice_of(text.p + start, subject_at - start)),
        .after = build_copy(build, slice_of(text.p + after_at, text.n - after_at)),
    };
    return true;
}

/* Takes the next segment off a path that begins with a slash; false at its end. */
static bool next_segment(struct slice *path, struct slice *segment)
{
    if (path->n == 0)
        return false;
    const uint8_t *slash = memchr(path->p + 1, '/', path->n - 1);
    size_t n = slash ? (size_t)(slash - path->p) : path->n;
    *segment = slice_of(path->p + 1, n - 1);
    *path = slice_of(path->p + n, path->n - n);
    return true;
}

/* A path's segments one by one; the subject's is the wildcard. */
struct walk {
    struct slice before, after;
    bool subject_taken; /* or there is none */
};

static bool walk_next(struct walk *walk, struct slice *segment, bool *is_subject)
{
    *is_subject = false;
    /* With a subject, `before` ends with the slash of its segment: what is left of it is "/". */
    if (walk->before.n > 1)
        return next_segment(&walk->before, segment);
    if (!walk->subject_taken) {
        walk->subject_taken = true;
        *is_subject = true;
        return true;
    }
    return next_segment(&walk->after, segment);
}

bool config_routes_overlap(const struct config_route *a, const struct config_route *b)
{
    if (!slice_equals(a->method, b->method))
        return false;
    struct walk walk_a = {a->path_before, a->path_after, a->is_fixed};
    struct walk walk_b = {b->path_before, b->path_after, b->is_fixed};
    for (;;) {
        struct slice segment_a = {0}, segment_b = {0};
        bool subject_a, subject_b;
        bool more_a = walk_next(&walk_a, &segment_a, &subject_a);
        bool more_b = walk_next(&walk_b, &segment_b, &subject_b);
        if (!more_a || !more_b)
            return more_a == more_b;
        if (!subject_a && !subject_b && !slice_equals(segment_a, segment_b))
            return false;
    }
}

static bool may_be_fixed(const struct yaml_node *route)
{
    const struct yaml_node *answers = yaml_get(route, "answers");
    return answers && answers->kind == YAML_MAPPING && yaml_get(answers, "records");
}

void build_requests(struct build *build, const struct yaml_node *route, struct config_route *out)
{
    const struct yaml_node *request = build_need(build, route, "the route", "request");
    const struct yaml_node *forward = yaml_get(route, "forward");
    static const char *const pulls[] = {"GET", NULL}, *const pushes[] = {"POST", "PUT", NULL};
    const char *const *methods = out->kind == ROUTE_PUSH ? pushes : pulls;
    struct request_line line, forward_line;
    bool has_line = request && build_request_line(build, request, methods, &line);
    if (has_line) {
        out->method = out->forward_method = line.method;
        out->is_fixed = line.is_fixed;
        out->path_before = out->forward_before = line.before;
        out->path_after = out->forward_after = line.after;
    }
    if (has_line && slice_starts_with_str(line.before, "/sluis/"))
        yaml_error_at(build->problems, request->line, request->column,
                      "a path below /sluis/, where the gateway's own API is; expected another");
    if (has_line && line.is_fixed && !may_be_fixed(route)) {
        build_error_inside(build, request, line.method.n + 1,
                           "a path without {subject}; expected such as /v1/{subject}/position, or "
                           "`records` in the answer, with a subject in each");
        return;
    }
    if (!forward || !build_request_line(build, forward, methods, &forward_line))
        return;
    out->forward_method = forward_line.method;
    out->forward_before = forward_line.before;
    out->forward_after = forward_line.after;
    if (has_line && forward_line.is_fixed != line.is_fixed)
        build_error_inside(build, forward, forward_line.method.n + 1,
                           line.is_fixed ? "a path with {subject}, which `request` is without"
                                         : "a path without {subject}, which `request` has");
}
