/*
 * fuzz_witness_reply.c - any bytes as what a witness answered
 *
 * The first byte chooses the status, the rest is the body. The witness below has cosigned one text
 * at one time, the one in the corpus. Property: what counts is that line, alone or among others of
 * the form; a size is written as the body it was read from; and what does not count has a reason.
 */
#include "ledger/note_lines.h"
#include "submit/reply.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vkey_text[] =
    "witness.example+d831bcf1+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
static const char text[] = "log.example/1\n3\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n";
static const char only_line[] =
    "\xe2\x80\x94 witness.example "
    "2DG88QAAAABlU/EAa0j/"
    "MT9q7qa7cOOcRUAidaNOev+Cevdl7H9CINZ64sbmbvD1KLBdbZdY9+aR7YQaigXX16pnsl7JIJjpvEX5Bw==\n";

static void check(const struct reply *reply, const struct reply_http *http)
{
    char digits[24];
    struct writer writer = writer_over(digits, sizeof digits);
    switch (reply->kind) {
    case REPLY_COSIGNED:
        SL_ASSERT(http->status == 200);
        SL_ASSERT(slice_equals_str(slice_of(reply->line, reply->line_n), only_line));
        SL_ASSERT(memmem(http->body.p, http->body.n, only_line, sizeof only_line - 1));
        return;
    case REPLY_SIZE:
        SL_ASSERT(http->status == 409);
        write_decimal(&writer, reply->size);
        write_str(&writer, "\n");
        SL_ASSERT(slice_equals(writer_slice(&writer), http->body));
        return;
    case REPLY_DISAGREES:
        SL_ASSERT(http->status == 422);
        break;
    case REPLY_FAILED:
        break;
    }
    SL_ASSERT(reply->why[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned statuses[] = {200, 409, 422, 404, 403, 400, 500, 302};
    struct vkey vkey;
    struct reply reply;
    if (size == 0)
        return 0;
    SL_ASSERT(vkey_parse(slice_of_str(vkey_text), &vkey) == SL_OK);
    const struct reply_question question = {
        .witness = &vkey,
        .text = slice_of_str(text),
        .old_size = 2,
        .size = 3,
        .now_s = 1700000000,
    };
    const struct reply_http http = {
        statuses[data[0] % SL_LENGTH(statuses)],
        slice_of_str("text/x.tlog.size"),
        slice_of(data + 1, size - 1),
    };
    reply_read(&question, &http, &reply);
    check(&reply, &http);
    return 0;
}
