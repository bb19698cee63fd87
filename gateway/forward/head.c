/*
 * head.c - status line and fields, one complete line at a time
 *
 * An answer that two parsers read differently is how data of one person ends up in the answer to
 * another. So wherever RFC 9112 lets a client repair, guess or ignore, this one refuses: bare LF,
 * obs-fold, blanks around a name, a missing blank after the status, a second Content-Length (also
 * an equal one), Content-Length beside Transfer-Encoding, any coding but `chunked`, and a second
 * Content-Type, since the type decides which filter runs.
 *
 * Working by lines keeps it resumable without a state for each byte, and still refuses a peer
 * that does not speak HTTP at its first line feed. Interim answers (1xx) are read like any other
 * and forgotten at their blank line; 101 would turn the connection into something else.
 */
#include "forward/head.h"

#include <string.h>

bool http_is_token_byte(uint8_t c)
{
    /* tchar: "!" "#" "$" "%" "&" "'" "*" "+" "-" "." "^" "_" "`" "|" "~" DIGIT ALPHA */
    static const uint64_t below_64 = UINT64_C(0x03ff6cfa00000000);
    static const uint64_t below_128 = UINT64_C(0x57ffffffc7fffffe);
    if (c < 64)
        return below_64 >> c & 1;
    return c < 128 && (below_128 >> (c - 64) & 1);
}

bool http_is_value_byte(uint8_t c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

void head_begin(struct head *head, size_t bytes_max)
{
    memset(head, 0, sizeof *head);
    head->bytes_max = bytes_max;
}

/* status-line = HTTP-version SP status-code SP [ reason-phrase ], section 4 */
static bool read_status_line(struct head *head, struct slice line)
{
    static const char version[] = "HTTP/1.";
    enum { MINOR_AT = 7, STATUS_AT = 9, REASON_AT = 13 };
    if (line.n < REASON_AT || !slice_starts_with_str(line, version))
        return false;
    const uint8_t *p = line.p;
    if ((p[MINOR_AT] != '0' && p[MINOR_AT] != '1') || p[MINOR_AT + 1] != ' ' ||
        p[REASON_AT - 1] != ' ')
        return false;
    uint64_t status = 0;
    if (!slice_to_u64(slice_of(p + STATUS_AT, 3), 599, &status) || status < 100 || status == 101)
        return false;
    head->is_http_1_1 = p[MINOR_AT] == '1';
    head->facts.status = (unsigned)status;
    return true;
}

static struct slice trim_blanks(struct slice text)
{
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = slice_of(text.p + 1, text.n - 1);
    while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    return text;
}

/* Connection = #connection-option; only `close` matters here. */
static bool list_has_close(struct slice list)
{
    while (list.n > 0) {
        const uint8_t *comma = memchr(list.p, ',', list.n);
        size_t n_item = comma ? (size_t)(comma - list.p) : list.n;
        if (slice_equals_str_nocase(trim_blanks(slice_of(list.p, n_item)), "close"))
            return true;
        size_t n_skip = comma ? n_item + 1 : n_item;
        list = slice_of(list.p + n_skip, list.n - n_skip);
    }
    return false;
}

static bool take_content_length(struct head *head, struct slice value)
{
    if (head->facts.has_length)
        return false;
    head->facts.has_length = true;
    return slice_to_u64(value, INT64_MAX, &head->facts.content_length);
}

static bool take_transfer_encoding(struct head *head, struct slice value)
{
    if (head->is_chunked)
        return false;
    head->is_chunked = true;
    return slice_equals_str_nocase(value, "chunked");
}

static bool take_content_type(struct head *head, struct slice value)
{
    if (head->has_content_type)
        return false;
    head->has_content_type = true;
    head->facts.content_type = value;
    return true;
}

/* The few fields that mean something to the gateway; all others are dropped here. */
static bool take_field(struct head *head, struct slice name, struct slice value)
{
    if (slice_equals_str_nocase(name, "content-length"))
        return take_content_length(head, value);
    if (slice_equals_str_nocase(name, "transfer-encoding"))
        return take_transfer_encoding(head, value);
    if (slice_equals_str_nocase(name, "content-type"))
        return take_content_type(head, value);
    if (slice_equals_str_nocase(name, "connection")) {
        head->says_close = head->says_close || list_has_close(value);
    } else if (slice_equals_str_nocase(name, "content-encoding")) {
        bool identity = value.n == 0 || slice_equals_str_nocase(value, "identity");
        head->facts.has_content_encoding = head->facts.has_content_encoding || !identity;
    } else if (slice_equals_str_nocase(name, "content-range")) {
        head->facts.has_content_range = true;
    }
    return true;
}

/* field-line = field-name ":" OWS field-value OWS, section 5; the name is at the line's start. */
static bool read_field_line(struct head *head, struct slice line)
{
    size_t n_name = 0;
    while (n_name < line.n && http_is_token_byte(line.p[n_name]))
        n_name++;
    if (n_name == 0 || n_name == line.n || line.p[n_name] != ':')
        return false;
    struct slice value = slice_of(line.p + n_name + 1, line.n - n_name - 1);
    return take_field(head, slice_of(line.p, n_name), trim_blanks(value));
}

/* What the whole head says about its body must be one story: section 6.1 and 6.3. */
static bool framing_is_sound(const struct head *head)
{
    if (head->is_chunked && (head->facts.has_length || !head->is_http_1_1))
        return false;
    bool has_no_body = head->facts.status < 200 || head->facts.status == 204;
    return !has_no_body || (!head->is_chunked && head->facts.content_length == 0);
}

/* The blank line: ends the head, or an interim one. */
static bool end_fields(struct head *head)
{
    if (!framing_is_sound(head))
        return false;
    if (head->facts.status >= 200) {
        head->done = true;
        return true;
    }
    size_t n_read = head->n_read;
    head_begin(head, head->bytes_max);
    head->n_read = n_read;
    return true;
}

static bool line_is_clean(struct slice line)
{
    for (size_t i = 0; i < line.n; i++)
        if (!http_is_value_byte(line.p[i]))
            return false;
    return true;
}

static bool read_line(struct head *head, struct slice line)
{
    if (!line_is_clean(line))
        return false;
    if (!head->in_fields) {
        head->in_fields = true;
        return read_status_line(head, line);
    }
    return line.n == 0 ? end_fields(head) : read_field_line(head, line);
}

enum head_step head_read(struct head *head, struct slice bytes)
{
    struct slice within = slice_of(bytes.p, bytes.n < head->bytes_max ? bytes.n : head->bytes_max);
    while (!head->done) {
        size_t n_searched = head->n_searched > head->n_read ? head->n_searched : head->n_read;
        const uint8_t *line_feed = within.n > n_searched
                                       ? memchr(within.p + n_searched, '\n', within.n - n_searched)
                                       : NULL;
        if (!line_feed) {
            head->n_searched = within.n;
            return within.n == head->bytes_max ? HEAD_MALFORMED : HEAD_MORE;
        }
        const uint8_t *start = within.p + head->n_read;
        size_t n_line = (size_t)(line_feed - start);
        if (n_line == 0 || start[n_line - 1] != '\r')
            return HEAD_MALFORMED;
        head->n_read += n_line + 1;
        if (!read_line(head, slice_of(start, n_line - 1)))
            return HEAD_MALFORMED;
    }
    return HEAD_DONE;
}
