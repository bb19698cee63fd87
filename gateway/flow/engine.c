/*
 * engine.c - sets up what the flows of a data thread share, and takes back what is durable
 */
#include "flow/engine.h"

#include "flow/flow.h"
#include "flow/proven.h"
#include "flow/recorded.h"

#include <stdlib.h>
#include <sys/epoll.h>

static void recorded_ready(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct flow_engine *engine =
        (struct flow_engine *)((char *)source - offsetof(struct flow_engine, recorded_source));
    mailbox_quiet(&engine->recorded);
    for (struct mail *mail = mailbox_take(&engine->recorded); mail;) {
        struct mail *next = mail->next;
        flow_recorded((struct flow *)(void *)mail);
        mail = next;
    }
}

static void proven_ready(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct flow_engine *engine =
        (struct flow_engine *)((char *)source - offsetof(struct flow_engine, proven_source));
    mailbox_quiet(&engine->proven);
    for (struct mail *mail = mailbox_take(&engine->proven); mail;) {
        struct mail *next = mail->next;
        flow_proven((struct prover_request *)(void *)mail);
        mail = next;
    }
}

static enum sl_err connect_peer(struct flow_engine *engine, const struct config_peer *peer,
                                struct upstream **out)
{
    struct upstream_config upstream = {
        .host = peer->host,
        .address = peer->address,
        .address_bytes = peer->address_bytes,
        .tls = peer->tls,
        .ca_file = peer->ca_file,
        .token = peer->token,
        .limits = &engine->config->limits,
    };
    return upstream_new(engine->loop, &upstream, out);
}

static enum sl_err engine_connect(struct flow_engine *engine)
{
    const struct config *config = engine->config;
    engine->upstreams = calloc(config->n_apps + 1, sizeof *engine->upstreams);
    engine->recipients = calloc(config->n_partners + 1, sizeof *engine->recipients);
    if (!engine->upstreams || !engine->recipients)
        return SL_EINTERNAL;
    for (size_t i = 0; i < config->n_apps; i++)
        SL_TRY(connect_peer(engine, &config->apps[i].peer, &engine->upstreams[i]));
    for (size_t i = 0; i < config->n_partners; i++) {
        if (config->partners[i].peer.address_bytes > 0)
            SL_TRY(connect_peer(engine, &config->partners[i].peer, &engine->recipients[i]));
    }
    return SL_OK;
}

static enum sl_err engine_make_names(struct flow_engine *engine)
{
    const struct config *config = engine->config;
    engine->names = calloc(config->n_partners + 1, sizeof *engine->names);
    if (!engine->names)
        return SL_EINTERNAL;
    for (size_t i = 0; i < config->n_partners; i++)
        SL_TRY(partner_names_init(engine->node->pseudonym_key, &config->partners[i],
                                  &engine->names[i]));
    return SL_OK;
}

static enum sl_err engine_open(struct flow_engine *engine)
{
    SL_TRY(store_reader_new(engine->node->store, &engine->reader));
    SL_TRY(engine_make_names(engine));
    SL_TRY(engine_connect(engine));
    SL_TRY(mailbox_init(&engine->recorded));
    engine->recorded_source = (struct loop_source){recorded_ready, engine->recorded.event_fd};
    SL_TRY(loop_add(engine->loop, &engine->recorded_source, EPOLLIN));
    SL_TRY(mailbox_init(&engine->proven));
    engine->proven_source = (struct loop_source){proven_ready, engine->proven.event_fd};
    return loop_add(engine->loop, &engine->proven_source, EPOLLIN);
}

enum sl_err engine_new(struct node *node, const struct credential_table *credentials,
                       struct prover *prover, struct loop *loop, void (*reply)(struct flow *flow),
                       struct flow_engine **out)
{
    struct flow_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return SL_EINTERNAL;
    engine->config = node->config;
    engine->credentials = credentials;
    engine->node = node;
    engine->loop = loop;
    engine->reply = reply;
    engine->prover = prover;
    engine->recorded.event_fd = engine->proven.event_fd = -1;
    enum sl_err err = engine_open(engine);
    if (err != SL_OK) {
        engine_free(engine);
        return err;
    }
    *out = engine;
    return SL_OK;
}

/*
 * Without a flow under way no mail is missing, and each box has one sender, the recorder or the
 * prover: it has touched the box for the last time before its last mail was taken (base/mailbox.c).
 */
void engine_free(struct flow_engine *engine)
{
    if (!engine)
        return;
    if (engine->recorded.event_fd >= 0) {
        loop_remove(engine->loop, &engine->recorded_source);
        mailbox_deinit(&engine->recorded);
    }
    if (engine->proven.event_fd >= 0) {
        loop_remove(engine->loop, &engine->proven_source);
        mailbox_deinit(&engine->proven);
    }
    for (size_t i = 0; engine->upstreams && i < engine->config->n_apps; i++)
        upstream_free(engine->upstreams[i]);
    for (size_t i = 0; engine->recipients && i < engine->config->n_partners; i++)
        upstream_free(engine->recipients[i]);
    for (size_t i = 0; engine->names && i < engine->config->n_partners; i++)
        partner_names_deinit(&engine->names[i]);
    for (size_t i = 0; i < engine->n_idle_filters; i++)
        filter_free(engine->idle_filters[i]);
    store_reader_free(engine->reader);
    free(engine->upstreams);
    free(engine->recipients);
    free(engine->names);
    free(engine->idle_filters);
    free(engine);
}

void engine_end_turn(struct flow_engine *engine)
{
    if (engine->has_submitted)
        recorder_kick(engine->node->recorder);
    engine->has_submitted = false;
}

struct filter *engine_borrow_filter(struct flow_engine *engine)
{
    if (engine->n_idle_filters > 0)
        return engine->idle_filters[--engine->n_idle_filters];
    struct filter *filter = NULL;
    return filter_new(&engine->config->limits, &filter) == SL_OK ? filter : NULL;
}

void engine_return_filter(struct flow_engine *engine, struct filter *filter)
{
    filter_wipe(filter); /* an idle filter holds nothing of anyone */
    if (engine->n_idle_filters == engine->idle_filters_cap) {
        size_t cap = engine->idle_filters_cap ? 2 * engine->idle_filters_cap : 64;
        struct filter **grown = realloc(engine->idle_filters, cap * sizeof *grown);
        if (!grown) {
            filter_free(filter);
            return;
        }
        engine->idle_filters = grown;
        engine->idle_filters_cap = cap;
    }
    engine->idle_filters[engine->n_idle_filters++] = filter;
}
