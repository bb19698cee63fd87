/*
 * A chunked body.
 *
 * Properties: however the bytes come in, content, end and outcome are the same; content is never
 * longer than the bytes it was in; and what a naive encoder writes comes back as it was.
 */
#include "base/err.h"
#include "base/writer.h"
#include "forward/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DROPPED_MAX = 256 };

struct reading {
    uint8_t *content;
    size_t n_content, n_consumed;
    enum body_step step;
};

static struct body begin_chunked(void)
{
    struct head head = {.facts = {.status = 200}, .is_http_1_1 = true, .is_chunked = true};
    struct body body;
    body_begin(&body, &head, false, DROPPED_MAX);
    return body;
}

static struct reading read_in_steps(struct slice bytes, size_t n_step)
{
    struct body body = begin_chunked();
    struct reading reading = {.content = malloc(bytes.n + 1), .step = BODY_MORE};
    SL_ASSERT(reading.content);
    while (reading.step == BODY_MORE && reading.n_consumed < bytes.n) {
        size_t n = bytes.n - reading.n_consumed;
        n = n < n_step ? n : n_step;
        struct slice part = slice_of(bytes.p + reading.n_consumed, n);
        struct slice piece = {NULL, 0};
        while ((reading.step = body_read(&body, &part, &piece)) == BODY_PIECE) {
            SL_ASSERT(piece.n > 0 && reading.n_content + piece.n <= bytes.n);
            memcpy(reading.content + reading.n_content, piece.p, piece.n);
            reading.n_content += piece.n;
        }
        SL_ASSERT(reading.step != BODY_MORE || part.n == 0);
        reading.n_consumed += n - part.n;
    }
    return reading;
}

static void check_any_split_reads_the_same(struct slice bytes)
{
    struct reading whole = read_in_steps(bytes, SIZE_MAX);
    for (size_t n_step = 1; n_step <= 7; n_step += 2) {
        struct reading split = read_in_steps(bytes, n_step);
        SL_ASSERT(split.step == whole.step);
        SL_ASSERT(slice_equals(slice_of(split.content, split.n_content),
                               slice_of(whole.content, whole.n_content)));
        SL_ASSERT(split.n_consumed == whole.n_consumed);
        free(split.content);
    }
    if (whole.step == BODY_DONE)
        SL_ASSERT(whole.n_consumed >= 5 && whole.n_content < whole.n_consumed &&
                  memcmp(bytes.p + whole.n_consumed - 2, "\r\n", 2) == 0);
    free(whole.content);
}

/* The input is content here; chunk sizes follow from its bytes. */
static void check_encoding_comes_back(struct slice content)
{
    size_t cap = content.n * 16 + 64;
    uint8_t *block = malloc(cap);
    SL_ASSERT(block);
    struct writer writer = writer_over(block, cap);
    for (size_t i = 0; i < content.n;) {
        size_t n = 1 + content.p[i] % 40;
        n = n < content.n - i ? n : content.n - i;
        char line[32];
        snprintf(line, sizeof line, n % 2 ? "%zx\r\n" : "0%zX;n=v\r\n", n);
        write_str(&writer, line);
        write_bytes(&writer, slice_of(content.p + i, n));
        write_str(&writer, "\r\n");
        i += n;
    }
    write_str(&writer, "0\r\n\r\n");
    size_t n_encoded = writer.n;
    write_str(&writer, "left");
    SL_ASSERT(!writer.overflow);
    struct reading reading = read_in_steps(writer_slice(&writer), 3 + content.n % 5);
    /* Many chunks with extensions together may pass the limit. */
    if (reading.step != BODY_MALFORMED) {
        SL_ASSERT(reading.step == BODY_DONE && reading.n_consumed == n_encoded);
        SL_ASSERT(slice_equals(slice_of(reading.content, reading.n_content), content));
    } else {
        SL_ASSERT(content.n > DROPPED_MAX / 4);
    }
    free(reading.content);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_any_split_reads_the_same(slice_of(data, size));
    check_encoding_comes_back(slice_of(data, size));
    return 0;
}
