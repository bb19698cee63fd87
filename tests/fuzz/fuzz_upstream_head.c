/*
 * The head of an app's answer.
 *
 * Property: however the bytes come in, the outcome is the same; and a head that is accepted has
 * none of the ambiguities that two parsers could read differently, as a naive look at its text
 * confirms.
 */
#include "base/err.h"
#include "forward/head.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES_MAX = 1024 };

static enum head_step read_growing(struct head *head, struct slice bytes, size_t n_step)
{
    enum head_step step = HEAD_MORE;
    head_begin(head, HEAD_BYTES_MAX);
    for (size_t n = n_step; step == HEAD_MORE; n += n_step) {
        step = head_read(head, slice_of(bytes.p, n < bytes.n ? n : bytes.n));
        if (n >= bytes.n)
            break;
    }
    return step;
}

static void check_same(const struct head *a, const struct head *b)
{
    SL_ASSERT(a->n_read == b->n_read);
    SL_ASSERT(a->facts.status == b->facts.status);
    SL_ASSERT(a->facts.has_length == b->facts.has_length);
    SL_ASSERT(a->facts.content_length == b->facts.content_length);
    SL_ASSERT(slice_equals(a->facts.content_type, b->facts.content_type));
    SL_ASSERT(a->facts.has_content_encoding == b->facts.has_content_encoding);
    SL_ASSERT(a->facts.has_content_range == b->facts.has_content_range);
    SL_ASSERT(a->is_chunked == b->is_chunked && a->says_close == b->says_close);
    SL_ASSERT(a->is_http_1_1 == b->is_http_1_1);
}

/* Lines that begin with `name`, any case, in a text of which every line ends with CR LF. */
static unsigned count_fields(struct slice text, const char *name)
{
    unsigned n_found = 0;
    for (size_t i = 0; i + strlen(name) <= text.n; i++)
        if (i > 0 && text.p[i - 1] == '\n' &&
            slice_equals_str_nocase(slice_of(text.p + i, strlen(name)), name))
            n_found++;
    return n_found;
}

/* Where the last head begins: after the blank line of the last interim answer. */
static size_t find_final_head(struct slice text)
{
    size_t start = 0;
    for (size_t i = 4; i < text.n; i++)
        if (memcmp(text.p + i - 4, "\r\n\r\n", 4) == 0)
            start = i;
    return start;
}

static void check_unambiguous(const struct head *head, struct slice bytes)
{
    SL_ASSERT(head->n_read <= bytes.n && head->n_read <= HEAD_BYTES_MAX);
    struct slice text = slice_of(bytes.p, head->n_read);
    SL_ASSERT(text.n > 4 && memcmp(text.p + text.n - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        SL_ASSERT((c == '\n') == (i > 0 && text.p[i - 1] == '\r'));
        SL_ASSERT(c >= 0x20 || c == '\t' || c == '\r' || c == '\n');
        SL_ASSERT(c != 0x7f);
        if (i > 0 && text.p[i - 1] == '\n')
            SL_ASSERT(c != ' ' && c != '\t');
    }
    size_t start = find_final_head(text);
    struct slice last = slice_of(text.p + start, text.n - start);
    unsigned n_lengths = count_fields(last, "content-length:");
    unsigned n_codings = count_fields(last, "transfer-encoding:");
    SL_ASSERT(n_lengths == head->facts.has_length && n_codings == head->is_chunked);
    SL_ASSERT(n_lengths + n_codings <= 1);
    SL_ASSERT(count_fields(last, "content-type:") == head->has_content_type);
    SL_ASSERT(head->facts.status >= 200 && head->facts.status <= 599);
    SL_ASSERT(head->is_http_1_1 || !head->is_chunked);
    struct slice type = head->facts.content_type;
    SL_ASSERT(type.n == 0 || (type.p >= last.p && type.p + type.n <= last.p + last.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    struct head whole;
    head_begin(&whole, HEAD_BYTES_MAX);
    enum head_step step = head_read(&whole, bytes);
    for (size_t n_step = 1; n_step <= 16; n_step *= 4) {
        struct head growing;
        enum head_step growing_step = read_growing(&growing, bytes, n_step);
        SL_ASSERT(growing_step == step);
        if (step == HEAD_DONE)
            check_same(&growing, &whole);
    }
    if (step == HEAD_DONE)
        check_unambiguous(&whole, bytes);
    if (step == HEAD_MORE)
        SL_ASSERT(size < HEAD_BYTES_MAX);
    return 0;
}
