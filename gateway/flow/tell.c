/*
 * tell.c - three small handlers; what is told counts for the data of the app that told it alone
 */
#include "flow/tell.h"

#include "flow/api.h"
#include "flow/situation_body.h"
#include "identify/user.h"

#include <jansson.h>

enum { NO_CONTENT = 204, OK = 200 };

static size_t app_of(const struct flow *flow)
{
    return (size_t)(flow->sender - flow->engine->config->apps);
}

/* In the flow's arena. False: answered. */
static bool find_user(struct flow *flow, struct slice *user)
{
    struct writer writer = writer_over(arena_alloc(&flow->arena, LIMIT_MAX_account_user_bytes),
                                       LIMIT_MAX_account_user_bytes);
    SL_ASSERT(!flow->arena.overflow); /* flow_arena_bytes() has room for names */
    if (user_read(flow->api_arguments[0], &writer)) {
        *user = writer_slice(&writer);
        return true;
    }
    api_refuse(flow, ANSWER_BAD_USER, NULL);
    return false;
}

static void put(struct flow *flow, struct slice user, const struct situations_told *told)
{
    uint32_t wait_s = 0;
    switch (situations_tell(flow->engine->node->situations, app_of(flow), user, told,
                            situations_clock(), &wait_s)) {
    case SITUATIONS_TOLD:
        api_done(flow, NO_CONTENT, slice_of(NULL, 0));
        return;
    case SITUATIONS_FULL:
        flow->answer.retry_after_s = wait_s;
        api_refuse(flow, ANSWER_SITUATIONS_FULL, NULL);
        return;
    case SITUATIONS_NO_MEMORY:
        api_refuse(flow, ANSWER_BUSY, NULL);
        return;
    }
}

void flow_put_situation(struct flow *flow)
{
    struct slice user;
    if (!find_user(flow, &user))
        return;
    json_t *object = api_body_object(flow, situation_body_members);
    if (!object)
        return;
    struct situations_told told;
    char detail[SITUATION_DETAIL_BYTES];
    const bool is_sound = situation_body_read(object, flow->engine->config, &told, detail);
    json_decref(object);
    if (is_sound)
        put(flow, user, &told);
    else
        api_refuse(flow, ANSWER_BAD_BODY, "%s", detail);
}

void flow_get_situation(struct flow *flow)
{
    struct slice user;
    if (!find_user(flow, &user))
        return;
    struct situations_told told;
    situations_known(flow->engine->node->situations, app_of(flow), user, situations_clock(), &told);
    size_t room = 64;
    for (size_t i = 0; i < told.n; i++)
        room += told.terms[i]->name.n + sizeof "\"\",";
    struct writer writer = writer_over(arena_alloc(&flow->arena, room), room);
    SL_ASSERT(!flow->arena.overflow);
    write_str(&writer, "{\"situation\":[");
    for (size_t i = 0; i < told.n; i++) {
        write_str(&writer, i > 0 ? "," : "");
        write_json_string(&writer, told.terms[i]->name);
    }
    write_str(&writer, "],\"expires_in\":");
    write_decimal(&writer, told.left_s);
    write_str(&writer, "}");
    SL_ASSERT(!writer.overflow);
    api_done(flow, OK, writer_slice(&writer));
}

void flow_delete_situation(struct flow *flow)
{
    struct slice user;
    if (!find_user(flow, &user))
        return;
    situations_forget(flow->engine->node->situations, app_of(flow), user);
    api_done(flow, NO_CONTENT, slice_of(NULL, 0));
}
