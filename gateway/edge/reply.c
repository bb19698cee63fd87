/*
 * reply.c - a flow's reduced data, a receipt and its proof, or a problem document
 */
#include "edge/reply.h"

#include "edge/thread.h"

#include <stdlib.h>
#include <string.h>

enum { RETRY_AFTER_S = 5 };
enum { RECEIPT_CHARS_MAX = 176 }; /* origin of up to 128, "/", twice 20 digits */

static bool add_fields(struct MHD_Response *response, const char *media_type, const char *receipt,
                       bool closes)
{
    return (!closes || MHD_add_response_header(response, "Connection", "close") == MHD_YES) &&
           (!media_type ||
            MHD_add_response_header(response, "Content-Type", media_type) == MHD_YES) &&
           MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
           MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
           (!receipt || MHD_add_response_header(response, "Sluis-Receipt", receipt) == MHD_YES);
}

static enum MHD_Result queue(struct MHD_Connection *handle, unsigned status,
                             struct MHD_Response *response, bool complete)
{
    enum MHD_Result result = complete ? MHD_queue_response(handle, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

/* A number that libmicrohttpd copies. */
static bool add_retry_after(struct MHD_Response *response, unsigned seconds)
{
    char text[16];
    struct writer writer = writer_over(text, sizeof text);
    write_decimal(&writer, seconds);
    write_u8(&writer, 0);
    SL_ASSERT(!writer.overflow);
    return MHD_add_response_header(response, "Retry-After", text) == MHD_YES;
}

/* `answer`: NULL, or what it says of methods that there are, of when to come back, and more. */
static enum MHD_Result reply_problem(struct MHD_Connection *handle, const struct problem *problem,
                                     struct slice receipt, const struct flow_answer *answer,
                                     bool closes)
{
    unsigned retry_after_s = answer ? answer->retry_after_s : 0;
    char body[PROBLEM_BYTES_MAX];
    struct writer writer = writer_over(body, sizeof body);
    problem_write(problem, receipt, answer ? answer->members : slice_of(NULL, 0), &writer);
    SL_ASSERT(!writer.overflow);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(writer.n, body, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    bool complete = add_fields(response, "application/problem+json",
                               receipt.n > 0 ? (const char *)receipt.p : NULL, closes);
    if (problem->status == 401)
        complete = complete && MHD_add_response_header(response, "WWW-Authenticate",
                                                       "Bearer realm=\"sluis\"") == MHD_YES;
    if (problem->status == 405 && answer)
        complete = complete && MHD_add_response_header(response, "Allow", answer->allow) == MHD_YES;
    if (problem->status == 503)
        retry_after_s = retry_after_s > 0 ? retry_after_s : RETRY_AFTER_S;
    if (retry_after_s > 0)
        complete = complete && add_retry_after(response, retry_after_s);
    return queue(handle, problem->status, response, complete);
}

enum MHD_Result reply_malformed(struct MHD_Connection *handle, enum guard_fault fault)
{
    return reply_problem(handle, problem_of_guard(fault), slice_of(NULL, 0), NULL, true);
}

/* "<origin>/<index>" or "<origin>/<first>-<last>", terminated for libmicrohttpd; empty: none. */
static struct slice write_receipt(const struct connection *connection, char text[RECEIPT_CHARS_MAX])
{
    struct writer writer = writer_over(text, RECEIPT_CHARS_MAX);
    write_bytes(&writer, connection->thread->config->origin);
    write_u8(&writer, '/');
    const struct flow_answer *answer = &connection->flow.answer;
    write_decimal(&writer, answer->receipt_index);
    if (answer->n_receipts > 1) {
        write_u8(&writer, '-');
        write_decimal(&writer, answer->receipt_index + answer->n_receipts - 1);
    }
    struct slice receipt = writer_slice(&writer);
    write_u8(&writer, 0);
    SL_ASSERT(!writer.overflow);
    return answer->n_receipts > 0 ? receipt : slice_of(NULL, 0);
}

static enum MHD_Result reply_body(struct connection *connection, unsigned status,
                                  struct slice receipt)
{
    const struct flow_answer *answer = &connection->flow.answer;
    char media_type[128];
    struct writer writer = writer_over(media_type, sizeof media_type);
    write_bytes(&writer, answer->media_type);
    write_u8(&writer, 0);
    SL_ASSERT(!writer.overflow);
    /* Stays where it is until connection_request_done(), which comes after the last byte. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.n, (void *)(uintptr_t)answer->body.p, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    bool has_content = status != MHD_HTTP_NO_CONTENT;
    return queue(connection->handle, status, response,
                 add_fields(response, has_content ? media_type : NULL,
                            receipt.n > 0 ? (const char *)receipt.p : NULL, connection->closes));
}

enum MHD_Result reply_flow(struct connection *connection)
{
    static const struct slice no_receipt = {NULL, 0};
    const struct flow_answer *answer = &connection->flow.answer;
    connection->closes = connection->closes || connection->thread->draining;
    char text[RECEIPT_CHARS_MAX];
    struct slice receipt = write_receipt(connection, text);
    switch (answer->kind) {
    case ANSWER_RELEASED:
        SL_ASSERT(connection->flow.state == FLOW_RELEASED);
        return reply_body(connection, MHD_HTTP_OK, receipt);
    case ANSWER_PROVEN:
        return reply_body(connection, MHD_HTTP_OK, no_receipt);
    case ANSWER_DONE:
        return reply_body(connection, answer->status, no_receipt);
    case ANSWER_DELIVERED:
        SL_ASSERT(connection->flow.state == FLOW_SETTLED || connection->flow.push.is_again);
        return reply_body(connection, MHD_HTTP_OK, receipt);
    default:
        break;
    }
    bool is_refused = answer->kind == ANSWER_REFUSED;
    struct problem problem =
        is_refused ? *problem_of_reason(answer->reason) : *problem_of_answer(answer->kind);
    if (answer->detail[0])
        problem.detail = answer->detail;
    bool has_receipt =
        is_refused || connection->flow.state == FLOW_SETTLED || connection->flow.push.is_again;
    return reply_problem(connection->handle, &problem, has_receipt ? receipt : no_receipt, answer,
                         connection->closes);
}
