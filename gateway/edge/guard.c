/*
 * guard.c - the checks, from the outside in: sizes, layout, request line, fields, framing
 *
 * Spec    RFC 9112 sections 2.2, 3, 5, 6; RFC 9110 sections 5.6.2, 7.2, 8.6, 10.1.1; RFC 3986
 */
#include "edge/guard.h"

#include "base/err.h"

static bool is_token_byte(uint8_t c)
{
    /* RFC 9110 section 5.6.2: tchar */
    static const char others[] = "!#$%&'*+-.^_`|~";
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    for (size_t i = 0; i < sizeof others - 1; i++)
        if (c == (uint8_t)others[i])
            return true;
    return false;
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!is_token_byte(text.p[i]))
            return false;
    return text.n > 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static const uint8_t *end_of(struct slice text)
{
    return text.p + text.n;
}

/* One field line: name ":" OWS value; the value ends where the CRLF began. */
static bool field_layout_is_exact(const struct guard_field *field, const uint8_t *start)
{
    if (field->name.p != start || field->value.p <= end_of(field->name))
        return false;
    for (const uint8_t *p = end_of(field->name) + 1; p < field->value.p; p++)
        if (!is_blank(*p))
            return false;
    return true;
}

/* Every byte of the head is accounted for, in order. Comparing addresses, never reading past. */
static bool layout_is_exact(const struct guard_head *head)
{
    enum { SPACE = 1, CRLF = 2 };
    if (head->target.p != end_of(head->method) + SPACE ||
        head->version.p != end_of(head->target) + SPACE)
        return false;
    const uint8_t *at = end_of(head->version) + CRLF;
    for (size_t i = 0; i < head->n_fields; i++) {
        if (!field_layout_is_exact(&head->fields[i], at))
            return false;
        at = end_of(head->fields[i].value) + CRLF;
    }
    return at + CRLF == head->method.p + head->head_bytes;
}

static bool is_known_method(struct slice method)
{
    static const char *const known[] = {"GET",   "HEAD",    "POST",  "PUT",    "DELETE",
                                        "PATCH", "OPTIONS", "TRACE", "CONNECT"};
    for (size_t i = 0; i < SL_LENGTH(known); i++)
        if (slice_equals_str(method, known[i]))
            return true;
    return false;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* RFC 3986 pchar without "%", and without ";" which some servers cut paths at. */
static bool is_path_byte(uint8_t c)
{
    static const char others[] = "-._~!$&'()*+,=:@/";
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    for (size_t i = 0; i < sizeof others - 1; i++)
        if (c == (uint8_t)others[i])
            return true;
    return false;
}

/* An escape may not hide what has a meaning of its own: "/", "\", "%", "." or a control. */
static bool escape_is_harmless(struct slice path, size_t at)
{
    if (path.n - at < 3)
        return false;
    int high = hex_value(path.p[at + 1]);
    int low = hex_value(path.p[at + 2]);
    if (high < 0 || low < 0)
        return false;
    int c = high << 4 | low;
    return c >= 0x20 && c != 0x7f && c != '/' && c != '\\' && c != '%' && c != '.' && c != ';';
}

static bool segment_is_dots(struct slice path, size_t start, size_t end)
{
    size_t n = end - start;
    return (n == 1 && path.p[start] == '.') ||
           (n == 2 && path.p[start] == '.' && path.p[start + 1] == '.');
}

static bool path_is_plain(struct slice path)
{
    size_t segment = 1;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '%') {
            if (!escape_is_harmless(path, i))
                return false;
            i += 2;
        } else if (!is_path_byte(path.p[i])) {
            return false;
        } else if (path.p[i] == '/' && i > 0) {
            if (i == segment || segment_is_dots(path, segment, i))
                return false;
            segment = i + 1;
        }
    }
    return !segment_is_dots(path, segment, path.n);
}

static bool query_is_plain(struct slice query)
{
    for (size_t i = 0; i < query.n; i++) {
        if (query.p[i] == '%') {
            if (query.n - i < 3 || hex_value(query.p[i + 1]) < 0 || hex_value(query.p[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!is_path_byte(query.p[i]) && query.p[i] != '?') {
            return false;
        }
    }
    return true;
}

/* RFC 9112 section 3.2.1: absolute-path [ "?" query ] */
static bool target_is_plain(struct slice target)
{
    if (target.n == 0 || target.p[0] != '/')
        return false;
    size_t n_path = 0;
    while (n_path < target.n && target.p[n_path] != '?')
        n_path++;
    struct slice query = {NULL, 0};
    if (n_path < target.n)
        query = slice_of(target.p + n_path + 1, target.n - n_path - 1);
    return path_is_plain(slice_of(target.p, n_path)) && query_is_plain(query);
}

static bool value_is_plain(struct slice value)
{
    for (size_t i = 0; i < value.n; i++)
        if ((value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] >= 0x7f)
            return false;
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 3986 unreserved: letters, digits, "-", ".", "_", "~" */
static bool is_name_byte(uint8_t c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/*
 * RFC 9110 section 7.2: uri-host [ ":" port ]. A name here has no escapes and no sub-delims, which
 * the grammar would allow: no host is called so, and a comma may be two hosts that were joined.
 */
static bool host_is_plain(struct slice host)
{
    while (host.n > 0 && is_blank(host.p[host.n - 1]))
        host.n--;
    size_t n = 0;
    if (host.n > 0 && host.p[0] == '[') {
        n = 1;
        while (n < host.n && (hex_value(host.p[n]) >= 0 || host.p[n] == ':' || host.p[n] == '.'))
            n++;
        if (n == 1 || n == host.n || host.p[n] != ']')
            return false;
        n++;
    } else {
        while (n < host.n && is_name_byte(host.p[n]))
            n++;
    }
    if (n == 0 || (n < host.n && host.p[n] != ':'))
        return false;
    for (n++; n < host.n; n++)
        if (!is_digit(host.p[n]))
            return false;
    return true;
}

static enum guard_fault check_request_line(const struct guard_head *head, struct slice target,
                                           const struct limits *limits)
{
    if (target.n > limits->request_target_bytes)
        return GUARD_TARGET_TOO_LONG;
    if (!layout_is_exact(head))
        return GUARD_LAYOUT;
    if (!slice_equals_str(head->version, "HTTP/1.1"))
        return GUARD_VERSION;
    if (!is_token(head->method) || !is_known_method(head->method))
        return GUARD_METHOD;
    if (!target_is_plain(target))
        return GUARD_TARGET;
    return GUARD_OK;
}

/* Fields that the gateway reads, and that have one value each. */
static const char *const single_fields[] = {"authorization", "sluis-purpose", "content-type",
                                            "content-encoding", "idempotency-key"};

struct field_counts {
    unsigned host, length, coding, single[SL_LENGTH(single_fields)];
    struct slice length_value, coding_value, host_value;
};

static void count_single(struct slice name, struct field_counts *counts)
{
    for (size_t i = 0; i < SL_LENGTH(single_fields); i++)
        if (slice_equals_str_nocase(name, single_fields[i]))
            counts->single[i]++;
}

static enum guard_fault count_field(const struct guard_field *field, struct field_counts *counts)
{
    if (!is_token(field->name))
        return GUARD_FIELD_NAME;
    if (!value_is_plain(field->value))
        return GUARD_FIELD_VALUE;
    if (slice_equals_str_nocase(field->name, "host")) {
        counts->host++;
        counts->host_value = field->value;
    } else if (slice_equals_str_nocase(field->name, "content-length")) {
        counts->length++;
        counts->length_value = field->value;
    } else if (slice_equals_str_nocase(field->name, "transfer-encoding")) {
        counts->coding++;
        counts->coding_value = field->value;
    } else if (slice_equals_str_nocase(field->name, "expect") &&
               !slice_equals_str_nocase(field->value, "100-continue")) {
        return GUARD_EXPECT;
    } else {
        count_single(field->name, counts);
    }
    return GUARD_OK;
}

/* RFC 9112 section 6: one length or one coding, never both; and a body only where one is taken. */
static enum guard_fault check_framing(const struct field_counts *counts, bool takes_body)
{
    uint64_t length = 0;
    if (counts->coding > 1 ||
        (counts->coding == 1 && !slice_equals_str_nocase(counts->coding_value, "chunked")))
        return GUARD_CODING;
    if (counts->length > 1 || (counts->length == 1 && counts->coding == 1) ||
        (counts->length == 1 && !slice_to_u64(counts->length_value, UINT64_MAX, &length)))
        return GUARD_LENGTH;
    if (!takes_body && (counts->coding == 1 || length > 0))
        return GUARD_BODY;
    return GUARD_OK;
}

enum guard_fault guard_check(const struct guard_head *head, struct slice target,
                             const struct limits *limits)
{
    if (head->head_bytes > limits->request_head_bytes || head->too_many_fields)
        return GUARD_HEAD_TOO_LARGE;
    enum guard_fault fault = check_request_line(head, target, limits);
    struct field_counts counts = {0};
    for (size_t i = 0; fault == GUARD_OK && i < head->n_fields; i++)
        fault = count_field(&head->fields[i], &counts);
    if (fault != GUARD_OK)
        return fault;
    if (counts.host != 1 || !host_is_plain(counts.host_value))
        return GUARD_HOST;
    for (size_t i = 0; i < SL_LENGTH(single_fields); i++)
        if (counts.single[i] > 1)
            return GUARD_REPEATED;
    return check_framing(&counts, head->takes_body);
}

struct guard_body guard_body(const struct guard_head *head)
{
    struct guard_body body = {0};
    struct slice length = guard_field_get(head, "content-length");
    body.is_chunked = guard_field_get(head, "transfer-encoding").n > 0;
    body.has_length = body.is_chunked || length.n > 0;
    if (length.n > 0 && !slice_to_u64(length, UINT64_MAX, &body.length))
        body.length = UINT64_MAX;
    return body;
}

struct slice guard_field_get(const struct guard_head *head, const char *name)
{
    for (size_t i = 0; i < head->n_fields; i++) {
        if (!slice_equals_str_nocase(head->fields[i].name, name))
            continue;
        struct slice value = head->fields[i].value;
        while (value.n > 0 && is_blank(value.p[value.n - 1]))
            value.n--;
        return value;
    }
    return slice_of(NULL, 0);
}
