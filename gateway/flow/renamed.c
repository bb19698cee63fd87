/*
 * renamed.c - opened under the generation that it is of, sealed under the present one
 */
#include "flow/renamed.h"

#include "flow/api.h"

void flow_rename(struct flow *flow)
{
    uint8_t id[PSEUDONYM_ID_BYTES];
    if (!partner_names_read(flow_names(flow), flow->api_arguments[0], flow->time_ms, id,
                            flow->pseudonym)) {
        api_refuse(flow, ANSWER_NO_PSEUDONYM, NULL);
        return;
    }
    static const struct slice before = SLICE_LITERAL("{\"pseudonym\":\"");
    static const struct slice behind = SLICE_LITERAL("\"}\n");
    const size_t room = before.n + PSEUDONYM_CHARS + behind.n;
    uint8_t *body = arena_alloc(&flow->arena, room);
    if (!body) {
        api_refuse(flow, ANSWER_BUSY, NULL);
        return;
    }
    struct writer writer = writer_over(body, room);
    write_bytes(&writer, before);
    write_str(&writer, flow->pseudonym);
    write_bytes(&writer, behind);
    SL_ASSERT(!writer.overflow);
    api_done(flow, 200, writer_slice(&writer));
}
