/*
 * guard_problem.c - what is said to a malformed request, and how any problem is written
 */
#include "edge/guard_problem.h"

#include "base/err.h"

static const struct problem of_guard[N_GUARD_FAULTS] = {
    [GUARD_HEAD_TOO_LARGE] = {431, "head_too_large", "Request head too large",
                              "The request head exceeds request_head_bytes or has more than 100 "
                              "fields."},
    [GUARD_TARGET_TOO_LONG] = {414, "target_too_long", "Target too long",
                               "The request target exceeds request_target_bytes."},
    [GUARD_LAYOUT] = {400, "malformed", "Malformed request",
                      "The request head has bytes where HTTP/1.1 has none: a bare LF, a NUL, a "
                      "folded or nameless field, or blanks in the request line."},
    [GUARD_VERSION] = {505, "version", "HTTP version not offered", "Speak HTTP/1.1."},
    [GUARD_METHOD] = {501, "method", "Unknown method", "The method is none that HTTP defines."},
    [GUARD_TARGET] = {400, "target", "Malformed target",
                      "The target must be in origin form, without dot segments, empty segments "
                      "or escapes for / \\ % . ; or controls."},
    [GUARD_FIELD_NAME] = {400, "field_name", "Malformed field name",
                          "A header field's name is no token, or has a blank before the colon."},
    [GUARD_FIELD_VALUE] = {400, "field_value", "Malformed field value",
                           "A header field's value has control or non-ASCII bytes."},
    [GUARD_HOST] = {400, "host", "Host missing, repeated or malformed",
                    "Send exactly one Host field: a host's name or address, perhaps a port."},
    [GUARD_LENGTH] = {400, "length", "Malformed length",
                      "Send at most one Content-Length, a number, and never together with "
                      "Transfer-Encoding."},
    [GUARD_CODING] = {400, "coding", "Unknown transfer coding",
                      "Send no Transfer-Encoding, or \"chunked\" alone."},
    [GUARD_BODY] = {400, "body", "Body not taken", "This route takes no body."},
    [GUARD_EXPECT] = {417, "expect", "Unknown expectation", "Leave the Expect field out."},
    [GUARD_REPEATED] = {400, "repeated", "Field repeated",
                        "Send Authorization, Sluis-Purpose, Content-Type, Content-Encoding and "
                        "Idempotency-Key at most once each."},
};

const struct problem *problem_of_guard(enum guard_fault fault)
{
    SL_ASSERT(fault != GUARD_OK);
    return &of_guard[fault];
}

static void write_member(struct writer *writer, const char *name, struct slice value)
{
    write_u8(writer, ',');
    write_json_string(writer, slice_of_str(name));
    write_u8(writer, ':');
    write_json_string(writer, value);
}

void problem_write(const struct problem *problem, struct slice receipt, struct slice members,
                   struct writer *writer)
{
    write_str(writer, "{\"type\":\"/problems/");
    write_str(writer, problem->reason);
    write_str(writer, "\",\"status\":");
    write_decimal(writer, problem->status);
    write_member(writer, "reason", slice_of_str(problem->reason));
    write_member(writer, "title", slice_of_str(problem->title));
    write_member(writer, "detail", slice_of_str(problem->detail));
    if (receipt.n > 0)
        write_member(writer, "receipt", receipt);
    write_bytes(writer, members);
    write_str(writer, "}\n");
}
